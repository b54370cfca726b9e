import { constantRate, request, summary } from "./films.js";

export const options = constantRate("slo", {
  http_req_failed: ["rate==0"],
  http_req_duration: ["p(99)<50"],
  dropped_iterations: ["count==0"],
});

export default request;
export const handleSummary = summary;
