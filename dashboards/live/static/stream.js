// The server's event stream, held only while the page can be seen: a hidden page costs nobody
// anything, and begins again with a new history when it is looked at.

/** Between two tries where the browser itself gives up (a refusal), ms. */
const RETRY_MS = 2000;

/**
 * Follow /events. `handlers` maps message kinds to functions of the decoded message;
 * `onConnected(boolean)` is told when the stream comes and goes.
 */
export function follow(handlers, onConnected) {
  let source = null;
  let retry = 0;

  const close = () => {
    window.clearTimeout(retry);
    source?.close();
    source = null;
  };

  const open = () => {
    close();
    source = new EventSource("/events");
    source.addEventListener("open", () => onConnected(true));
    source.addEventListener("error", () => {
      onConnected(false);
      if (source?.readyState === EventSource.CLOSED) retry = window.setTimeout(open, RETRY_MS);
    });
    for (const [kind, handle] of Object.entries(handlers)) {
      source.addEventListener(kind, (message) => handle(JSON.parse(message.data)));
    }
  };

  const look = () => (document.visibilityState === "visible" ? open() : close());
  document.addEventListener("visibilitychange", look);
  look();
}
