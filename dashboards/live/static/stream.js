// The server's event stream, held only while the page can be seen: a hidden page costs nobody
// anything, and begins again with a new history when it is looked at.

/** Between two tries where the browser itself gives up (a refusal), ms. */
const RETRY_MS = 2000;
/** How often it is looked whether the stream still says anything, ms. */
const LOOK_EVERY_MS = 5000;
/** A stream silent for this long, or through a machine's sleep, may be dead unnoticed, ms. */
const SILENT_MS = 30_000;

/**
 * Follow the stream. `handlers` maps message kinds to functions of the decoded message;
 * `onConnected(boolean)` is told when the stream comes and goes; `isExpecting()` says whether
 * silence is odd (after a session's end it isn't).
 */
export function follow(handlers, onConnected, isExpecting) {
  let source = null;
  let retry = 0;
  let heardAt = Date.now();
  let lookedAt = Date.now();

  const close = () => {
    window.clearTimeout(retry);
    source?.close();
    source = null;
  };

  const open = () => {
    close();
    heardAt = Date.now();
    source = new EventSource("/api/v1/stream");
    source.addEventListener("open", () => onConnected(true));
    source.addEventListener("error", () => {
      onConnected(false);
      if (source?.readyState === EventSource.CLOSED) retry = window.setTimeout(open, RETRY_MS);
    });
    for (const [kind, handle] of Object.entries(handlers)) {
      source.addEventListener(kind, (message) => {
        heardAt = Date.now();
        handle(JSON.parse(message.data));
      });
    }
  };

  const look = () => (document.visibilityState === "visible" ? open() : close());
  document.addEventListener("visibilitychange", look);
  window.setInterval(() => {
    const now = Date.now();
    const slept = now - lookedAt > SILENT_MS;
    lookedAt = now;
    if (source !== null && (slept || (isExpecting() && now - heardAt > SILENT_MS))) open();
  }, LOOK_EVERY_MS);
  look();
}
