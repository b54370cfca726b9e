// Requests to the API. A failure becomes an Error whose message is for people.

/** Sends a request and returns its response. */
export async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service cannot be reached.");
  }
  if (!response.ok) throw await failed(response);
  return response;
}

/** Returns the path that `Link: <…>; rel="next"` names, if there is one. */
export function nextPage(response) {
  const link = response.headers.get("link") ?? "";
  return /<(\/[^>]*)>;\s*rel="next"/.exec(link)?.[1] ?? null;
}

/** Turns problem details (RFC 9457) into sentences. */
async function failed(response) {
  const problem = await response.json().catch(() => ({}));
  const title = problem.title ?? `The service responded with ${response.status}`;
  const detail = problem.detail ? `: ${problem.detail}` : "";
  const retry = response.headers.get("retry-after");
  return new Error(`${title}${detail}.${retry ? ` Try again in ${retry} s.` : ""}`);
}
