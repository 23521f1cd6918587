// Light or dark: the system's, or what was chosen here. early.js does the same before the first paint.

import { byId } from "./dom.js";
import { recall, remember } from "./kept.js";

const CHOICES = ["auto", "light", "dark"];

/** Let the switch work; `onChange` is called whenever the colours are others. */
export function watchScheme(onChange) {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const select = byId("scheme");
  const kept = recall("scheme", "auto");
  select.value = CHOICES.includes(kept) ? kept : "auto";
  const apply = () => {
    const dark = select.value === "auto" ? system.matches : select.value === "dark";
    document.documentElement.dataset.scheme = dark ? "dark" : "light";
    onChange();
  };
  select.addEventListener("change", () => {
    remember("scheme", select.value);
    apply();
  });
  system.addEventListener("change", apply);
}
