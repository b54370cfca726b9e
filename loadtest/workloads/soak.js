import { constantRate, request, summary } from "./films.js";

export const options = constantRate("soak", {
  http_req_failed: ["rate==0"],
  http_req_duration: ["p(99)<100"],
});

export default request;
export const handleSummary = summary;
