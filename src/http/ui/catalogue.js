// The catalogue: filters, one page of films, and the way to the next page.

import { nextPage, request } from "./api.js";

const PAGE = 12;

const get = (id) => document.getElementById(id);

/** The paths of the pages before the current one, the first one first. */
const earlier = [];
let current = null;
let next = null;
/** Ends the request under way when a newer one begins. */
let loading = new AbortController();

/** Shows the first page. `choose` is called with the film that a person chooses. */
export function startCatalogue(choose) {
  get("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    restart(choose);
  });
  get("filters").addEventListener("reset", () => setTimeout(() => restart(choose)));
  get("next").addEventListener("click", () => {
    // The second click of two comes before the page that would tell what is next.
    if (next === null) return;
    earlier.push(current);
    load(next, choose);
  });
  get("previous").addEventListener("click", () => {
    if (earlier.length > 0) load(earlier.pop(), choose);
  });
  restart(choose);
}

function restart(choose) {
  earlier.length = 0;
  load(path(), choose);
}

/** Returns the path of the first page that meets the filters. */
function path() {
  const parameters = new URLSearchParams({ limit: PAGE });
  const values = [
    ["title.prefix", get("prefix").value],
    [get("from").value, get("from-year").value],
    [get("to").value, get("to-year").value],
  ];
  for (const [name, value] of values) {
    if (value !== "") parameters.set(name, value);
  }
  return `/films/?${parameters}`;
}

async function load(path, choose) {
  loading.abort();
  loading = new AbortController();
  current = path;
  next = null;
  const { signal } = loading;
  try {
    const response = await request(path, { signal });
    const films = Object.entries(await response.json());
    next = nextPage(response);
    show(films, choose);
    get("list-status").textContent = films.length === 0 ? "No film meets these conditions." : "";
  } catch (error) {
    if (signal.aborted) return;
    show([], choose);
    get("list-status").textContent = error.message;
  }
  // A disabled button would lose the focus of the keyboard.
  const focused = document.activeElement;
  get("next").disabled = next === null;
  get("previous").disabled = earlier.length === 0;
  if (focused?.disabled) get("catalogue-title").focus();
}

function show(films, choose) {
  get("list").replaceChildren(
    ...films.map(([id, film]) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      const year = document.createElement("span");
      button.type = "button";
      button.className = "film";
      button.textContent = film.title;
      year.textContent = film.release_year ?? "";
      button.append(year);
      button.addEventListener("click", () => {
        get("list").querySelector("[aria-current]")?.removeAttribute("aria-current");
        button.setAttribute("aria-current", "true");
        choose(Number(id));
      });
      item.append(button);
      return item;
    }),
  );
}
