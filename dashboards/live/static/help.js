// The help dialog, and how every dialog is closed.

import { byId, make } from "./dom.js";
import { say } from "./words.js";

const KEYS = () => [
  ["m · Space", say("key_mark")],
  ["PageDown · PageUp · F5 · .", say("key_clicker")],
  ["← → Home End", say("key_strip")],
  ["Esc", say("key_escape")],
  ["?", say("key_help")],
];

function fillKeys() {
  const rows = KEYS().map(([key, told]) => {
    const row = make("div");
    row.append(make("dt", "", key), make("dd", "", told));
    return row;
  });
  byId("keys").replaceChildren(...rows);
}

export function watchDialogs() {
  const open = () => {
    fillKeys();
    byId("help-dialog").showModal();
  };
  byId("help-open").addEventListener("click", open);
  for (const button of document.querySelectorAll("dialog .cancel")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  document.addEventListener("keydown", (event) => {
    const busy = document.querySelector("dialog[open]") || event.target.closest("input, textarea, select");
    if (event.key === "?" && !busy && byId("single-keys").checked) open();
  });
}
