// Marking the moment: the bar, single keys, and a presenter's clicker.

import { ask, newId } from "./api.js";
import { byId, make, show } from "./dom.js";
import { recall, remember, rememberTick } from "./kept.js";
import { mode } from "./modes.js";
import { say } from "./words.js";

/** On the wall and among the signs an answer is shown for this long, ms. */
const TOAST_MS = 4000;
/** What a clicker sends, as keys: next, back, start of the show, dark screen. */
const CLICKER = { PageDown: 1, PageUp: -1, F5: 0, ".": null };
const MARK_KEYS = new Set(["m", "M", " "]);
/** Elements that take keys themselves. */
const TAKES_KEYS = "input, textarea, select, button, a, summary, [role=slider], [contenteditable]";
/** Elements that space scrolls where they have the focus. */
const SCROLLS = "[tabindex]";
/** Elements that take even a clicker's keys. */
const TAKES_TEXT = "input:not([type=checkbox], [type=radio]), textarea, select";

/** What was said about something asked for, in words. */
export function answerText({ done, reason }, doneText) {
  if (done === true) return doneText;
  if (done === null) return say("asked");
  return reason ? say("refused", { reason }) : say("unreachable");
}

/** Whether what has the focus takes the key itself. */
function takesKey({ key, target }) {
  return target.closest(TAKES_KEYS) !== null || (key === " " && target.closest(SCROLLS) !== null);
}

export class Marks {
  constructor() {
    this.mayWrite = null; // Until the server has said it.
    this.session = "";
    this.count = 0;
    this.slide = 0;
    this.keys = true;
    this.clicker = false;
    this.toasted = 0;
    byId("mark-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.mark();
    });
    rememberTick(byId("clicker"), "clicker", false, (on) => (this.clicker = on));
    rememberTick(byId("single-keys"), "keys", true, (on) => (this.keys = on));
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Another session counts its marks and slides anew; a page loaded again goes on with its slide. */
  begin(session) {
    if (session === this.session) return;
    this.session = session;
    this.count = 0;
    this.slide = recall("slide.session", "") === session ? Number(recall("slide", "0")) : 0;
  }

  /** Mark this moment with what stands in the field, or a number. */
  async mark() {
    if (this.mayWrite === null) return;
    const field = byId("mark-label");
    this.count += 1;
    const label = field.value.trim() || say("mark_number", { count: this.count });
    field.value = "";
    await this.#send(label);
  }

  async #send(label) {
    if (this.mayWrite === null) return;
    if (!this.mayWrite) {
      this.#tell(say("locked"));
      return;
    }
    const answer = await ask("POST", "/markers", { label, id: newId() });
    this.#tell(answerText(answer, say("marked", { label })));
  }

  /** Also where the same is said twice: it is read out, and seen, anew. */
  #tell(text) {
    const place = byId(mode() === "page" ? "answer" : "toast");
    place.replaceChildren(make("span", "", text));
    show(byId("toast"), mode() !== "page");
    window.clearTimeout(this.toasted);
    this.toasted = window.setTimeout(() => show(byId("toast"), false), TOAST_MS);
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    if (this.clicker && event.key in CLICKER && !event.target.closest(TAKES_TEXT)) {
      event.preventDefault();
      if (!event.repeat) this.#click(CLICKER[event.key]);
    } else if (this.keys && MARK_KEYS.has(event.key) && !takesKey(event)) {
      event.preventDefault();
      if (!event.repeat) this.mark();
    }
  }

  #click(step) {
    if (step === null) {
      this.#send(say("mark_dark"));
      return;
    }
    this.slide = step === 0 ? 1 : Math.max(1, this.slide + step);
    remember("slide", String(this.slide));
    remember("slide.session", this.session);
    this.#send(say("mark_slide", { count: this.slide }));
  }
}
