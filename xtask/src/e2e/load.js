// Requests at a constant rate, whatever becomes of them. Half of them ask for a new connection each: what
// opens connections meets other faults of a rollout than what keeps them.
import http from "k6/http";
import exec from "k6/execution";

export const options = {
  scenarios: {
    load: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE),
      timeUnit: "1s",
      duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: 100,
      maxVUs: 100,
    },
  },
  summaryTrendStats: ["p(99)", "max"],
};

export default function () {
  const number = exec.scenario.iterationInTest;
  const id = 1 + (number % 1000);
  const headers = number % 2 ? { Connection: "close" } : {};
  const options = { headers, timeout: "15s" };
  let answer;
  if (number % 10 === 0) {
    answer = http.get(`${__ENV.BASE_URL}/films/`, options);
  } else if (number % 10 < 3) {
    headers["Content-Type"] = "application/json";
    answer = http.post(`${__ENV.BASE_URL}/reviews/`, JSON.stringify({ film_id: id, rating: 4 }), options);
  } else {
    answer = http.get(`${__ENV.BASE_URL}/films/${id}/`, options);
  }
  if (answer.status !== 200) {
    console.error(`${answer.request.method} ${answer.url}: ${answer.status} ${answer.error}`);
  }
}

export function handleSummary(data) {
  const value = (metric, name) => (data.metrics[metric] ? data.metrics[metric].values[name] : 0);
  const summary = {
    requests: value("http_reqs", "count"),
    // Of the samples of "failed", the ones that are true are counted as passes.
    failed: value("http_req_failed", "passes"),
    unsent: value("dropped_iterations", "count"),
    p99_ms: value("http_req_duration", "p(99)"),
    max_ms: value("http_req_duration", "max"),
  };
  return { stdout: `summary: ${JSON.stringify(summary)}\n` };
}
