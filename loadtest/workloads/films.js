// What the k6 workloads share: one iteration is one request of the mixed kind, and the summary goes
// to the file that the program named.
import http from "k6/http";
import { check } from "k6";

const base = __ENV.BASE_URL;
const json = { headers: { "Content-Type": "application/json" } };

export const seconds = Number(__ENV.SECONDS);
export const rate = Number(__ENV.RATE);

// Iterations arrive at the rate, and one that finds no idle user is dropped and counted: waiting
// for one would hide exactly the delay that is to be measured.
export const users = { preAllocatedVUs: Number(__ENV.CONNECTIONS), maxVUs: Number(__ENV.CONNECTIONS) };

export function request() {
  const id = 1 + Math.floor(Math.random() * 1000);
  const dice = Math.random();
  let answer;
  if (dice < 0.8) {
    answer = http.get(`${base}/films/${id}/`, { tags: { name: "one" } });
  } else if (dice < 0.9) {
    answer = http.get(`${base}/films/`, { tags: { name: "list" } });
  } else {
    answer = http.post(`${base}/reviews/`, JSON.stringify({ film_id: id, rating: 4 }), {
      ...json,
      tags: { name: "post" },
    });
  }
  check(answer, { "status is 200": (r) => r.status === 200 });
}

export function summary(data) {
  return { [__ENV.SUMMARY]: JSON.stringify(data) };
}

export const trend = ["avg", "med", "p(90)", "p(99)", "p(99.9)", "max"];
