// A plot of the last minute: one value a second for each line, the newest at the right.

const SECONDS = 60;
const SVG = "http://www.w3.org/2000/svg";
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** A scale from 0 to the largest value, rounded up to 1, 2 or 5 times a power of ten. */
export function linear(least) {
  return (values) => {
    const largest = Math.max(least, ...values);
    const power = 10 ** Math.floor(Math.log10(largest));
    const top = [1, 2, 5, 10].map((factor) => factor * power).find((limit) => limit >= largest);
    return { marks: [0, top / 2, top], height: (value) => value / top };
  };
}

/** A logarithmic scale with fixed ends, which are powers of ten. */
export function logarithmic(bottom, top) {
  const decades = Math.log10(top / bottom);
  const marks = Array.from({ length: Math.round(decades) + 1 }, (_, at) => bottom * 10 ** at);
  const height = (value) => Math.min(1, Math.max(0, Math.log10(value / bottom) / decades));
  return () => ({ marks, height });
}

/**
 * Returns a plot with lines `{ name, value, none }`, where `value` takes a sample and returns a number or null,
 * and `none` is the text for null.
 */
export function plot({ title, lines, scale, format, labels }) {
  const figure = element("figure");
  const caption = element("figcaption");
  const heading = element("h3");
  heading.textContent = title;
  const now = element("dl");
  const figures = lines.map(({ name }) => {
    const row = element("div");
    const term = element("dt");
    const value = element("dd");
    term.textContent = name;
    value.textContent = "–";
    row.append(term, value);
    now.append(row);
    return value;
  });
  caption.append(heading, now);
  const area = element("div");
  area.className = "area";
  const svg = drawing("svg", { viewBox: `0 0 ${SECONDS} 100`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const grid = drawing("path", { class: "grid" });
  const moving = drawing("g", {});
  const paths = lines.map(() => drawing("path", { class: "line" }));
  moving.append(...paths);
  svg.append(grid, moving);
  area.append(svg);
  figure.append(caption, area);

  /** Draws the samples, the newest last. A missing sample is null. */
  function draw(samples) {
    const values = lines.map(({ value }) => samples.map((sample) => sample && value(sample)));
    const { marks, height } = scale(values.flat().filter((value) => value !== null));
    const y = (value) => (100 - 100 * height(value)).toFixed(2);
    grid.setAttribute("d", marks.map((mark) => `M0 ${y(mark)}H${SECONDS}`).join(""));
    values.forEach((line, at) => {
      paths[at].setAttribute("d", path(line, y));
      const last = line.at(-1) ?? null;
      figures[at].textContent = last === null ? (samples.at(-1) && lines[at].none) ?? "–" : format(last);
    });
    area.querySelectorAll("span").forEach((label) => label.remove());
    for (const mark of labels ?? [marks.at(-1)]) area.append(markLabel(format(mark), height(mark)));
    if (!calm.matches) {
      moving.animate([{ transform: "translateX(1px)" }, { transform: "none" }], { duration: 1000 });
    }
  }
  return { figure, draw };
}

/** Returns the path of a line. It has a gap where a value is missing. */
function path(values, y) {
  let text = "";
  let isOn = false;
  values.forEach((value, at) => {
    if (value !== null) {
      const x = SECONDS - (values.length - 1 - at);
      // A value between two gaps is a dot: a line of no length with round ends.
      text += isOn ? `L${x} ${y(value)}` : `M${x} ${y(value)}h0`;
    }
    isOn = value !== null;
  });
  return text;
}

function markLabel(text, height) {
  const label = element("span");
  label.textContent = text;
  label.style.top = `${100 - 100 * height}%`;
  return label;
}

function element(name) {
  return document.createElement(name);
}

function drawing(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
