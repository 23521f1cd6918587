// One strip per person: a row with the read-out in words and the last minutes as bands.

import { byId, keepInStep, make, setText, show } from "./dom.js";
import { colour, inkOn, isPattern, paintState, paintSwatch, prepare, stateColour } from "./palette.js";
import {
  actionsOf, duration, labelOf, lookOf, pastOf, percent, readoutOf, say, sayFigures, stateAt, states,
} from "./words.js";

/** From this many people on, rows are lower. */
const DENSE_FROM = 9;
/** The window of a session that has only begun isn't narrower than this, s. */
const NARROWEST_S = 30;
/** A timeline that begins before this is the whole one, s. */
export const WHOLE_FROM_S = 2;
/** States named for a person once the session is over. */
const MOST_SHARES = 2;
const TICK_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const TICK_ROOM_PX = 84;

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

export class Strips {
  /** `onMove` is called when a reader moves along a strip and it has to be drawn anew. */
  constructor(onMove) {
    this.onMove = onMove;
    this.cursor = null; // {slot, time_s} while somebody reads an earlier moment.
    this.view = null;
    byId("strips").addEventListener("pointerleave", () => this.#move(null));
  }

  /** Draw everything: `view` is what main.js puts together from the newest messages. */
  draw(view) {
    this.view = view;
    this.#measure();
    const rows = this.#rows();
    byId("strips").classList.toggle("dense", rows.length >= DENSE_FROM);
    show(byId("axis-row"), rows.length > 0);
    show(byId("window"), rows.length > 0 && !view.closed);
    show(byId("empty"), rows.length === 0);
    keepInStep(byId("strips"), rows, (row) => row.slot, () => this.#create(), (element, row) =>
      this.#update(element, row),
    );
    if (rows.length > 0) this.#drawAxis();
    this.#legend();
  }

  #measure() {
    const { timeline, closed, window_s } = this.view;
    const latest_s = timeline.latest_s ?? 0;
    const first_s = (timeline.first_s ?? 0) <= WHOLE_FROM_S ? 0 : timeline.first_s;
    const known_s = Math.max(latest_s - first_s, 1);
    this.latest_s = latest_s;
    this.from_s = closed ? first_s : Math.max(first_s, latest_s - window_s);
    // A session that has only begun grows into its strips from the left.
    this.span_s = closed ? known_s : Math.max(NARROWEST_S, latest_s - this.from_s);
  }

  #rows() {
    const { room, timeline, names } = this.view;
    const present = new Map((room?.people ?? []).map((person) => [person.slot, person]));
    const slots = new Set([...timeline.slotsSince(this.from_s), ...present.keys()]);
    return [...slots]
      .sort((a, b) => a - b)
      .map((slot) => ({ slot, person: present.get(slot) ?? null, name: names[slot] ?? `P${slot}` }));
  }

  #create() {
    const row = make("li", "person");
    const who = make("div", "who");
    const line = make("div", "who-line");
    line.append(make("canvas", "swatch"), make("span", "name"), make("span", "readout"));
    line.firstElementChild.setAttribute("aria-hidden", "true");
    who.append(line, make("div", "detail"), make("div", "doing"));
    const strip = make("canvas", "strip");
    strip.tabIndex = 0;
    strip.setAttribute("role", "slider");
    const seen = make("div", "seen");
    seen.title = say("seen_hint");
    row.append(who, strip, seen);
    const slot = () => Number(row.dataset.key);
    strip.addEventListener("pointermove", (event) => this.#point(slot(), event));
    strip.addEventListener("keydown", (event) => this.#key(slot(), event));
    strip.addEventListener("blur", () => this.#move(null));
    return row;
  }

  #update(row, { slot, person, name }) {
    const told = this.view.closed ? this.#summary(slot) : this.#current(person);
    const moment = this.cursor?.slot === slot ? this.#moment(slot) : null;
    row.classList.toggle("left", told.state === "not_visible");
    row.dataset.state = told.state;
    setText(row.querySelector(".name"), name);
    setText(row.querySelector(".readout"), told.readout);
    setText(row.querySelector(".detail"), moment ?? told.detail);
    row.querySelector(".detail").title = moment === null ? this.#indices(person) : "";
    const doing = this.#doing(person);
    show(row.querySelector(".doing"), doing !== "");
    setText(row.querySelector(".doing"), doing);
    const seen = person === null || this.view.closed ? "" : say("seen", { percent: percent(person.coverage) });
    setText(row.querySelector(".seen"), seen);
    paintSwatch(row.querySelector(".swatch"), told.state);
    const strip = row.querySelector(".strip");
    this.#drawStrip(strip, slot);
    this.#describe(strip, name, moment ?? told.readout);
  }

  /** How somebody looks now, or looked when the data ended. */
  #current(person) {
    const { room, stale } = this.view;
    const state = person?.state ?? "not_visible";
    const readout = stale ? pastOf(state) : readoutOf(state);
    if (person === null) return { state, readout, detail: "" };
    const parts = room.cameras.length > 1 ? [person.camera] : [];
    const lasted = { duration: duration(room.time_s - person.since_s) };
    parts.push(say(stale ? "last_seen" : "for_duration", lasted));
    if (person.confidence > 0) parts.push(say("confidence", { percent: percent(person.confidence) }));
    return { state, readout, detail: parts.join(" · ") };
  }

  /** Figures of somebody whose face is being read, for whoever points at the line. */
  #indices(person) {
    return this.#isNow(person) ? sayFigures("indices", person) : "";
  }

  /** How somebody looks all in all, and what they visibly do. */
  #doing(person) {
    if (!this.#isNow(person) || !person.visible) return "";
    const look = lookOf(person.look);
    const looks = look ? [say("look_for", { label: look, duration: duration(this.view.room.time_s - person.look_since_s) })] : [];
    return [...looks, ...actionsOf(person.actions)].join(" · ");
  }

  #isNow(person) {
    return person !== null && !this.view.closed && !this.view.stale;
  }

  /** How somebody looked in a session that is over: for which share of the time in view. */
  #summary(slot) {
    const totals = [...this.view.timeline.totals(slot)].map(([number, s]) => [stateAt(number), s]);
    const inView = totals.filter(([state]) => state !== "not_visible");
    const seen_s = inView.reduce((sum, [, seconds]) => sum + seconds, 0);
    const shares = inView
      .slice(0, MOST_SHARES)
      .map(([state, s]) => say("share_of_time", { label: labelOf(state), percent: percent(s / Math.max(seen_s, 1e-9)) }));
    return {
      state: inView[0]?.[0] ?? "not_visible",
      readout: say("in_view_for", { duration: duration(seen_s) }),
      detail: shares.join(" · "),
    };
  }

  #describe(strip, name, told) {
    const set = (attribute, value) => {
      if (strip.getAttribute(attribute) !== value) strip.setAttribute(attribute, value);
    };
    set("aria-label", say("strip", { name }));
    set("aria-valuemin", String(Math.round(this.from_s)));
    set("aria-valuemax", String(Math.round(this.latest_s)));
    set("aria-valuenow", String(Math.round(this.cursor?.time_s ?? this.latest_s)));
    set("aria-valuetext", told);
  }

  #drawStrip(canvas, slot) {
    const { pen, width, height } = prepare(canvas);
    pen.fillStyle = colour("track");
    pen.fillRect(0, 0, width, height);
    pen.font = FONT;
    pen.textBaseline = "middle";
    for (const span of this.view.timeline.slots.get(slot) ?? []) {
      if (span.end >= this.from_s) this.#drawSpan(pen, span, width, height);
    }
    if (this.cursor !== null) {
      pen.fillStyle = colour("ink");
      pen.fillRect(Math.round(this.#across(this.cursor.time_s, width)) - 1, 0, 2, height);
    }
  }

  #drawSpan(pen, span, width, height) {
    const left = Math.max(0, this.#across(span.start, width));
    const right = Math.min(width, Math.max(this.#across(span.end, width), left + 1));
    const state = stateAt(span.state);
    paintState(pen, state, left, 0, right - left, height);
    if (state === "not_visible") return;
    const label = labelOf(state);
    const room_px = pen.measureText(label).width;
    if (right - left < room_px + 14) return;
    if (isPattern(state)) {
      pen.fillStyle = colour("track");
      pen.fillRect(left + 4, height / 2 - 8, room_px + 6, 16);
    }
    pen.fillStyle = isPattern(state) ? colour("ink") : inkOn(stateColour(state));
    pen.fillText(label, left + 7, height / 2 + 0.5);
  }

  #across(time_s, width) {
    return ((time_s - this.from_s) / this.span_s) * width;
  }

  #drawAxis() {
    const { pen, width, height } = prepare(byId("axis"));
    const least_s = (TICK_ROOM_PX / Math.max(width, 1)) * this.span_s;
    const step_s = TICK_STEPS_S.find((step) => step >= least_s) ?? TICK_STEPS_S.at(-1);
    // Round times on the clock that is shown.
    const shift_s = this.view.recording ? 0 : this.view.room.started_at % step_s;
    const first_s = Math.ceil((this.from_s + shift_s) / step_s) * step_s - shift_s;
    pen.font = FONT;
    pen.textBaseline = "top";
    for (let time_s = first_s; time_s <= this.from_s + this.span_s; time_s += step_s) {
      const x = this.#across(time_s, width);
      pen.fillStyle = colour("line");
      pen.fillRect(Math.round(x), height - 5, 1, 5);
      pen.fillStyle = colour("muted");
      const label = this.view.clock(time_s);
      const half = pen.measureText(label).width / 2;
      pen.fillText(label, Math.min(Math.max(x - half, 0), width - half * 2), 0);
    }
  }

  #legend() {
    const seen = new Set();
    for (const spans of this.view.timeline.slots.values()) {
      for (const span of spans) if (span.end >= this.from_s) seen.add(stateAt(span.state));
    }
    const items = [...states(), "unknown"].filter((state) => seen.has(state));
    show(byId("legend"), items.length > 0);
    keepInStep(byId("legend"), items, (state) => state, legendItem, (element, state) =>
      paintSwatch(element.firstElementChild, state),
    );
  }

  #point(slot, event) {
    const width = Math.max(event.target.clientWidth, 1);
    const ratio = Math.min(1, Math.max(0, event.offsetX / width));
    this.#move({ slot, time_s: Math.min(this.latest_s, this.from_s + ratio * this.span_s) });
  }

  #key(slot, event) {
    const step_s = Math.max(0.5, this.span_s / 60);
    const now_s = this.cursor?.slot === slot ? this.cursor.time_s : this.latest_s;
    const next_s = {
      ArrowLeft: now_s - step_s, ArrowRight: now_s + step_s, ArrowDown: now_s - step_s, ArrowUp: now_s + step_s,
      PageUp: now_s + step_s * 10, PageDown: now_s - step_s * 10, Home: this.from_s, End: this.latest_s,
    }[event.key];
    if (event.key === "Escape") this.#move(null);
    if (next_s === undefined) return;
    event.preventDefault();
    this.#move({ slot, time_s: Math.min(this.latest_s, Math.max(this.from_s, next_s)) });
  }

  #move(cursor) {
    this.cursor = cursor;
    this.onMove();
  }

  #moment(slot) {
    const { time_s } = this.cursor;
    const span = this.view.timeline.at(slot, time_s);
    const time = this.view.clock(time_s);
    if (span === null) return say("moment_gap", { time });
    return say("moment", { time, past: pastOf(stateAt(span.state)) });
  }
}

function legendItem(state) {
  const item = make("li");
  item.append(make("canvas", "swatch"), make("span", "", labelOf(state)));
  item.firstElementChild.setAttribute("aria-hidden", "true");
  return item;
}
