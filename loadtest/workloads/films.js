// What the k6 workloads share. It also runs alone, at a constant rate without thresholds:
//   k6 run --env BASE_URL=http://127.0.0.1:5000 --env RATE=100 --env SECONDS=10 --env CONNECTIONS=20 films.js
// Environment variables:
//   BASE_URL         URL of the service, without a slash at the end
//   RATE             requests a second
//   SECONDS          length of the run
//   CONNECTIONS      number of users, each with its own connection
//   NEW_CONNECTIONS  share of requests, 0 to 1, that close their connection, so that the user's next
//                    request opens a new one (default 0)
//   SUMMARY          file for the summary (default stdout)
import http from "k6/http";
import { check } from "k6";

const base = __ENV.BASE_URL;
const newConnections = Number(__ENV.NEW_CONNECTIONS || 0);
if (!(newConnections >= 0 && newConnections <= 1)) {
  throw new Error(`NEW_CONNECTIONS=${__ENV.NEW_CONNECTIONS}: expected a number from 0 to 1`);
}

export const seconds = Number(__ENV.SECONDS);
export const rate = Number(__ENV.RATE);
export const trend = ["avg", "med", "p(90)", "p(99)", "p(99.9)", "max"];

// If no user is idle, k6 drops the iteration and counts it. Waiting for a user would hide exactly the
// delay that is to be measured.
export const users = { preAllocatedVUs: Number(__ENV.CONNECTIONS), maxVUs: Number(__ENV.CONNECTIONS) };

// Options of a workload whose requests arrive at a constant rate.
export function constantRate(name, thresholds) {
  const scenario = { executor: "constant-arrival-rate", rate, timeUnit: "1s", duration: `${seconds}s`, ...users };
  return { summaryTrendStats: trend, scenarios: { [name]: scenario }, thresholds };
}

// Sends a request: 80 % one film, 10 % the list, 10 % a review, over all films.
export function request() {
  const id = 1 + Math.floor(Math.random() * 1000);
  const dice = Math.random();
  const headers = Math.random() < newConnections ? { Connection: "close" } : {};
  // k6 discards requests that still run 30 s after the end. With a shorter timeout they count as failed.
  const params = (name) => ({ headers, timeout: "15s", tags: { name } });
  let response;
  if (dice < 0.8) {
    response = http.get(`${base}/films/${id}/`, params("one"));
  } else if (dice < 0.9) {
    response = http.get(`${base}/films/`, params("list"));
  } else {
    headers["Content-Type"] = "application/json";
    response = http.post(`${base}/reviews/`, JSON.stringify({ film_id: id, rating: 4 }), params("post"));
  }
  if (!check(response, { "status is 200": (r) => r.status === 200 })) {
    console.error(`${response.request.method} ${response.url}: ${response.status} ${response.error}`);
  }
}

// On stdout the summary is a line of its own, because log lines may follow.
export function summary(data) {
  const file = __ENV.SUMMARY || "stdout";
  return { [file]: `${JSON.stringify(data)}\n` };
}

export const options = constantRate("films", {});
export default request;
export const handleSummary = summary;
