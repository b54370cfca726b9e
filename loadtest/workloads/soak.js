import { rate, request, seconds, summary, trend, users } from "./films.js";

export const options = {
  summaryTrendStats: trend,
  scenarios: {
    soak: { executor: "constant-arrival-rate", rate, timeUnit: "1s", duration: `${seconds}s`, ...users },
  },
  thresholds: { http_req_failed: ["rate==0"], http_req_duration: ["p(99)<100"] },
};

export default request;
export const handleSummary = summary;
