// Sends reviews at a constant rate, and prints a line for each attempt: the number of the review, the times
// of the request and of its response, and the status.
import http from "k6/http";
import exec from "k6/execution";
import { sleep } from "k6";

const retry = Number(__ENV.RETRY) * 1000;
const params = { headers: { "Content-Type": "application/json" }, timeout: "15s" };

export const options = {
  scenarios: {
    reviews: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE),
      timeUnit: "1s",
      duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: 50,
      maxVUs: 500,
    },
  },
};

export default function () {
  const number = exec.scenario.iterationInTest;
  const review = JSON.stringify({ film_id: 1 + (number % 1000), rating: 1 + (Math.floor(number / 1000) % 5) });
  const deadline = Date.now() + retry;
  for (;;) {
    const sent = Date.now();
    const { status } = http.post(__ENV.URL, review, params);
    console.log(`review ${number} ${sent} ${Date.now()} ${status}`);
    if (status === 200 || Date.now() >= deadline) {
      return;
    }
    sleep(0.25);
  }
}
