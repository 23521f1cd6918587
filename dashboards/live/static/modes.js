// What is shown: the page, the wall or the speaker's signs, by the address (#wall, #speaker).

import { byId, show } from "./dom.js";

const MODES = ["wall", "speaker"];

export const mode = () => {
  const wanted = window.location.hash.slice(1);
  return MODES.includes(wanted) ? wanted : "page";
};

/** Follow the address; `onChange` is called when something else is shown. */
export function watchModes(onChange) {
  const apply = () => {
    const now = mode();
    document.body.dataset.mode = now;
    show(byId("page"), now === "page");
    for (const name of MODES) show(byId(name), now === name);
    onChange();
  };
  window.addEventListener("hashchange", apply);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && mode() !== "page" && !document.fullscreenElement) leave();
  });
  apply();
}

export function leave() {
  window.location.hash = "";
}
