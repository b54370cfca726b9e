// The live traffic: reads the events of the service, and draws them.

import { request } from "./api.js";
import { linear, logarithmic, plot } from "./plot.js";

/** Samples that are kept: a minute, and one that moves out of the picture. */
const KEPT = 62;

const get = (id) => document.getElementById(id);
const samples = [];
const plots = [
  plot({
    title: "Requests and queries per second",
    lines: [
      { name: "requests", value: (traffic) => traffic.requests },
      { name: "queries", value: (traffic) => traffic.queries },
      { name: "failed", value: (traffic) => traffic.failures || null, none: "0" },
    ],
    scale: linear(10),
    format: number,
  }),
  plot({
    title: "Requests that share a query",
    lines: [
      { name: "reads", value: (traffic) => traffic.batch_size.reads },
      { name: "reviews", value: (traffic) => traffic.batch_size.reviews },
    ],
    scale: linear(2),
    format: number,
  }),
  plot({
    title: "Reads per second",
    lines: [
      { name: "from memory", value: (traffic) => traffic.reads.lease },
      { name: "in a batch", value: (traffic) => traffic.reads.batch },
    ],
    scale: linear(10),
    format: number,
  }),
  plot({
    title: "Time to respond",
    lines: [
      { name: "p50", value: (traffic) => traffic.latency.p50 },
      { name: "p99", value: (traffic) => traffic.latency.p99 },
    ],
    scale: logarithmic(1e-5, 1),
    format: time,
    labels: [1e-3, 1],
  }),
];

/** Draws empty plots and connects. */
export function startTraffic() {
  get("plots").append(...plots.map(({ figure }) => figure));
  draw();
  get("reconnect").addEventListener("click", connect);
  connect();
}

async function connect() {
  get("reconnect").hidden = true;
  say("Connecting", "");
  try {
    const response = await request("/events", { headers: { accept: "text/event-stream" }, cache: "no-store" });
    say("Live", "on");
    const hasStopped = await read(response.body);
    say(hasStopped ? "The service has stopped." : "The connection was closed.", "off");
  } catch (error) {
    const isLost = error instanceof TypeError;
    say(isLost ? "The connection was lost." : error.message, "off");
  }
  add(null);
  get("reconnect").hidden = false;
}

/** Reads events until the stream ends. Returns whether the service said that it stops. */
async function read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return false;
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [name, data] = event.split("\n").map((line) => line.slice(line.indexOf(":") + 2));
      if (name === "stopped") return true;
      add(JSON.parse(data));
    }
  }
}

function add(sample) {
  samples.push(sample);
  if (samples.length > KEPT) samples.shift();
  draw();
}

function draw() {
  for (const { draw } of plots) draw(samples);
}

function say(text, state) {
  get("live-status").textContent = text;
  get("live-status").dataset.state = state;
}

function number(value) {
  if (value >= 10000) return `${Number((value / 1000).toFixed(value < 100000 ? 1 : 0))}k`;
  return value < 10 && value % 1 !== 0 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}

function time(seconds) {
  const [value, unit] = seconds >= 1 ? [seconds, "s"] : seconds >= 1e-3 ? [seconds * 1e3, "ms"] : [seconds * 1e6, "µs"];
  return `${value < 10 && value % 1 > 0.05 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
