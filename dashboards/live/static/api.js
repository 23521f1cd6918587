// What the page asks of the server: who it is, and what a viewer wants done.

const BASE = "/api/v1";

/** What the server says of itself: {may_write, pictures, …}; the least of all where it doesn't. */
export async function about() {
  const least = { may_write: false, pictures: "off" };
  try {
    const answer = await fetch(`${BASE}/about`);
    return answer.ok ? { ...least, ...(await answer.json()) } : least;
  } catch {
    return least;
  }
}

/**
 * Ask for something to be done. {done: true} where it was, {done: false, reason} where it was
 * refused, {done: null} where nobody has answered yet, {done: false, reason: ""} without a server.
 */
export async function ask(method, path, body = undefined) {
  try {
    const answer = await fetch(BASE + path, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) return { done: false, reason: said.error ?? String(answer.status) };
    return { done: said.done === undefined ? true : said.done };
  } catch {
    return { done: false, reason: "" };
  }
}

/** A camera's newest picture as a bitmap; null where there is none. */
export async function picture(camera) {
  try {
    const answer = await fetch(`${BASE}/cameras/${encodeURIComponent(camera)}/picture`);
    return answer.ok ? await createImageBitmap(await answer.blob()) : null;
  } catch {
    return null;
  }
}

/** Whether an address of this server answers. */
export async function answers(address) {
  try {
    return (await fetch(address, { method: "HEAD" })).ok;
  } catch {
    return false;
  }
}

/** An id for what may be sent twice and counts once; also where the page isn't served by HTTPS. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
