// A card per person: the read-out in words, the last minutes as bands, how much could be read.

import { byId, keepInStep, make, makeSilent, setAttribute, setStyle, setText, show } from "./dom.js";
import { frameOf } from "./frame.js";
import { paintSwatch } from "./palette.js";
import { drawAxis, drawStrip } from "./strip.js";
import { toldAfterwards, toldDoing, toldFigures, toldMoment, toldNow } from "./told.js";
import { labelOf, percent, say, stateAt, states } from "./words.js";

/** From this many people on, rows are lower. */
const DENSE_FROM = 9;

export class People {
  /**
   * `onMove` is called when a reader moves along a strip and it has to be drawn anew, `onMenu`
   * with the person's key when their menu is asked for.
   */
  constructor(onMove, onMenu) {
    this.onMove = onMove;
    this.onMenu = onMenu;
    this.cursor = null; // {key, time_s} while somebody reads an earlier moment.
    this.view = null;
    byId("strips").addEventListener("pointerleave", () => this.#move(null));
  }

  /** Draw everything: `view` is the model's newest. */
  draw(view) {
    this.view = view;
    this.frame = frameOf(view);
    const rows = this.#rows();
    byId("strips").classList.toggle("dense", rows.length >= DENSE_FROM);
    show(byId("axis-row"), rows.length > 0);
    show(byId("window"), rows.length > 0 && !view.closed);
    show(byId("empty"), rows.length === 0);
    keepInStep(byId("strips"), rows, (row) => row.key, () => this.#create(), (card, row) => this.#update(card, row));
    if (rows.length > 0) drawAxis(byId("axis"), this.frame, view);
    this.#legend();
  }

  #rows() {
    const { room, timeline, names, keyOf, nameOf } = this.view;
    const present = new Map((room?.people ?? []).map((person) => [keyOf(person), person]));
    const taken = new Set((room?.people ?? []).map(nameOf));
    const keys = new Set([...timeline.since(this.frame.from_s), ...present.keys()]);
    // Who left has a name that may by now be somebody else's.
    const earlier = (name) => (taken.has(name) ? say("earlier", { name }) : name);
    return [...keys]
      .sort((a, b) => Math.abs(a) - Math.abs(b))
      .map((key) => {
        const name = names.get(key) ?? `P${Math.abs(key)}`;
        const person = present.get(key) ?? null;
        return { key, person, name: person === null ? earlier(name) : name };
      });
  }

  #create() {
    const card = make("li", "person");
    const parts = {
      swatch: makeSilent("canvas", "swatch"), name: make("span", "name"), readout: make("span", "readout"),
      detail: make("div", "detail"), doing: make("div", "doing"), strip: make("canvas", "strip"),
      seen: make("div", "seen"), seenText: make("span"), meter: makeSilent("span", "meter"),
      menu: make("button", "menu", "⋯"),
    };
    const who = make("div", "who");
    const line = make("div", "who-line");
    line.append(parts.swatch, parts.name, parts.readout);
    who.append(line, parts.detail, parts.doing);
    parts.meter.append(make("span"));
    parts.seen.append(parts.seenText, parts.meter);
    parts.seen.title = say("seen_hint");
    parts.menu.type = "button";
    card.append(who, parts.strip, parts.seen, parts.menu);
    card.parts = parts;
    this.#listen(card, parts);
    return card;
  }

  #listen(card, { strip, menu }) {
    const key = () => Number(card.dataset.key);
    strip.tabIndex = 0;
    strip.setAttribute("role", "slider");
    strip.addEventListener("pointermove", (event) => this.#point(key(), event));
    strip.addEventListener("keydown", (event) => this.#key(key(), event));
    strip.addEventListener("blur", () => this.#move(null));
    menu.addEventListener("click", () => this.onMenu(key()));
  }

  #update(card, { key, person, name }) {
    const { view } = this;
    const { swatch, strip, seen, seenText, meter, menu, ...texts } = card.parts;
    const told = view.closed ? toldAfterwards(key, view) : toldNow(person, view);
    const moment = this.cursor?.key === key ? toldMoment(key, this.cursor.time_s, view) : null;
    card.classList.toggle("left", told.state === "not_visible");
    setAttribute(card, "data-state", told.state);
    setText(texts.name, name);
    setText(texts.readout, told.readout);
    setText(texts.detail, moment ?? told.detail);
    setAttribute(texts.detail, "title", moment === null ? toldFigures(person, view) : "");
    const doing = toldDoing(person, view);
    show(texts.doing, doing !== "");
    setText(texts.doing, doing);
    const covered = person === null || view.closed ? null : person.coverage;
    setText(seenText, covered === null ? "" : say("seen", { percent: percent(covered) }));
    show(meter, covered !== null);
    setStyle(meter.firstElementChild, "width", `${Math.round((covered ?? 0) * 100)}%`);
    setAttribute(seen, "title", say("seen_hint"));
    show(menu, person !== null && !view.closed);
    setAttribute(menu, "aria-label", say("menu", { name }));
    paintSwatch(swatch, told.state);
    const bands = { spans: view.timeline.people.get(key) ?? [], settled: view.timeline.settled };
    drawStrip(strip, bands, this.frame, this.cursor?.time_s ?? null);
    this.#describe(strip, name, moment ?? told.readout);
  }

  #describe(strip, name, told) {
    const { from_s, latest_s } = this.frame;
    setAttribute(strip, "aria-label", say("strip", { name }));
    setAttribute(strip, "aria-valuemin", String(Math.round(from_s)));
    setAttribute(strip, "aria-valuemax", String(Math.round(latest_s)));
    setAttribute(strip, "aria-valuenow", String(Math.round(this.cursor?.time_s ?? latest_s)));
    setAttribute(strip, "aria-valuetext", told);
  }

  #legend() {
    const seen = new Set();
    for (const spans of this.view.timeline.people.values()) {
      for (const span of spans) if (span.end >= this.frame.from_s) seen.add(stateAt(span.state));
    }
    const items = [...states(), "unknown"].filter((state) => seen.has(state));
    show(byId("legend"), items.length > 0);
    keepInStep(byId("legend"), items, (state) => state, legendItem, (item, state) =>
      paintSwatch(item.firstElementChild, state),
    );
  }

  #point(key, event) {
    const { from_s, span_s } = this.frame;
    const ratio = Math.min(1, Math.max(0, event.offsetX / Math.max(event.target.clientWidth, 1)));
    this.#move({ key, time_s: from_s + ratio * span_s });
  }

  #key(key, event) {
    const { from_s, span_s, latest_s } = this.frame;
    const step_s = Math.max(0.5, span_s / 60);
    const now_s = this.cursor?.key === key ? this.cursor.time_s : latest_s;
    const next_s = {
      ArrowLeft: now_s - step_s, ArrowRight: now_s + step_s, ArrowDown: now_s - step_s, ArrowUp: now_s + step_s,
      PageUp: now_s + step_s * 10, PageDown: now_s - step_s * 10, Home: from_s, End: latest_s,
    }[event.key];
    if (event.key === "Escape") this.#move(null);
    if (next_s === undefined) return;
    event.preventDefault();
    this.#move({ key, time_s: next_s });
  }

  #move(cursor) {
    if (cursor === null && this.cursor === null) return;
    const { from_s, latest_s } = this.frame;
    this.cursor = cursor && { ...cursor, time_s: Math.min(latest_s, Math.max(from_s, cursor.time_s)) };
    this.onMove();
  }
}

function legendItem(state) {
  const item = make("li");
  item.append(makeSilent("canvas", "swatch"), make("span", "", labelOf(state)));
  return item;
}
