// A film, its reviews, and the form that adds one.

import { nextPage, request } from "./api.js";

const PAGE = 5;

const get = (id) => document.getElementById(id);
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** The film that is shown. A response that arrives for another film is dropped. */
let shown = null;
let older = null;
/** The review that was sent last, with its key, until it is stored. Sent again with the key, it is stored once. */
let unstored = null;

get("review").addEventListener("submit", addReview);
get("older").addEventListener("click", () => loadReviews(shown, older));

/** Shows a film and its reviews. */
export async function showFilm(id) {
  shown = id;
  get("review-status").textContent = "";
  get("review").reset();
  try {
    const film = await (await request(`/films/${id}/`)).json();
    if (shown !== id) return;
    get("film-title").textContent = film.title;
    get("film-facts").textContent = `${film.release_year ?? "Year unknown"} · film ${id}`;
    get("film-body").hidden = false;
    await showReviews(id);
  } catch (error) {
    if (shown !== id) return;
    get("film-title").textContent = "Film";
    get("film-facts").textContent = error.message;
    get("film-body").hidden = true;
  }
  get("film-title").focus();
}

function showReviews(id) {
  return loadReviews(id, `/films/${id}/reviews/?limit=${PAGE}`);
}

/** Loads a page of reviews: the newest, or the ones after those that are shown. */
async function loadReviews(id, path) {
  const isFirst = !path.includes("before=");
  try {
    const response = await request(path);
    const body = await response.json();
    if (shown !== id) return;
    older = nextPage(response);
    showRatings(body);
    const rows = body.reviews.map(row);
    if (isFirst) get("reviews").replaceChildren(...rows);
    else get("reviews").append(...rows);
  } catch (error) {
    if (shown !== id) return;
    older = null;
    get("ratings").replaceChildren();
    get("reviews").replaceChildren();
    get("reviews-status").textContent = error.message;
  }
  get("older").hidden = older === null;
}

function showRatings({ average, count, ratings }) {
  const plural = count === 1 ? "review" : "reviews";
  get("reviews-status").textContent =
    count === 0 ? "Nobody has reviewed this film yet." : `${average.toFixed(2)} of 5 on average, ${count} ${plural}`;
  const rows = [5, 4, 3, 2, 1].map((rating) => {
    const row = document.createElement("div");
    const name = document.createElement("dt");
    const value = document.createElement("dd");
    const bar = document.createElement("span");
    name.textContent = rating;
    bar.className = "bar";
    bar.style.width = `${count === 0 ? 0 : (100 * ratings[rating]) / count}%`;
    value.append(bar, ratings[rating]);
    row.append(name, value);
    return row;
  });
  get("ratings").replaceChildren(...rows);
}

function row({ rating, created_at: createdAt }) {
  const item = document.createElement("li");
  const stars = document.createElement("span");
  const time = document.createElement("time");
  stars.className = "stars";
  stars.textContent = "★".repeat(rating) + "☆".repeat(5 - rating);
  stars.setAttribute("role", "img");
  stars.setAttribute("aria-label", `${rating} of 5`);
  if (createdAt === null) {
    time.textContent = "no date";
  } else {
    time.dateTime = createdAt;
    time.textContent = dates.format(new Date(createdAt));
  }
  item.append(stars, time);
  return item;
}

async function addReview(event) {
  event.preventDefault();
  const id = shown;
  const rating = Number(new FormData(get("review")).get("rating"));
  const body = JSON.stringify({ film_id: id, rating });
  if (unstored?.body !== body) unstored = { body, key: randomKey() };
  const headers = { "content-type": "application/json", "idempotency-key": `"${unstored.key}"` };
  const status = get("review-status");
  status.textContent = "";
  try {
    await request("/reviews/", { method: "POST", headers, body });
    unstored = null;
    if (shown !== id) return;
    status.textContent = `Stored: ${rating} of 5.`;
    get("review").reset();
    await showReviews(id);
  } catch (error) {
    if (shown === id) status.textContent = error.message;
  }
}

/** `crypto.randomUUID` exists on pages from HTTPS only. */
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
