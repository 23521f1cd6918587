// Before anything is painted: the colour scheme that was chosen, else the system's (scheme.js).
(() => {
  let chosen = null;
  try {
    chosen = window.localStorage.getItem("readroom.scheme");
  } catch {
    // Storage is switched off: the system's scheme it is.
  }
  const dark = chosen === "dark" || (chosen !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.scheme = dark ? "dark" : "light";
})();
