import { rate, request, seconds, summary, trend, users } from "./films.js";

const third = `${Math.ceil(seconds / 3)}s`;

export const options = {
  summaryTrendStats: trend,
  scenarios: {
    spike: {
      executor: "ramping-arrival-rate",
      startRate: Math.ceil(rate / 10),
      timeUnit: "1s",
      stages: [
        { target: Math.ceil(rate / 10), duration: third },
        { target: rate, duration: "0s" },
        { target: rate, duration: third },
        { target: Math.ceil(rate / 10), duration: "0s" },
        { target: Math.ceil(rate / 10), duration: third },
      ],
      ...users,
    },
  },
  // For a moment the server may refuse requests with 503.
  thresholds: { http_req_failed: ["rate<0.01"] },
};

export default request;
export const handleSummary = summary;
