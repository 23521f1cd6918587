// What happened, newest first, as sentences; and the few of them that are said aloud.

import { byId, keepInStep, make, setText, show } from "./dom.js";
import {
  changeWord, duration, endedOf, hasSentence, measureWord, percent, phaseWord, say, signed, sure,
} from "./words.js";

/** Kinds that a screen reader says by itself; the others would never stop. */
const SAID = new Set(["inflection", "response", "camera", "session_started", "session_closed"]);
/** Between two of them, ms. */
const SAY_EVERY_MS = 10_000;

/** The sentence of an event: the one that says how sure, what changed, or without figures. */
function eventKey({ kind, confidence, measure, figure, state }) {
  const key = `event_${kind}`;
  if (confidence > 0 && hasSentence(`${key}_sure`)) return `${key}_sure`;
  if (typeof measure?.value !== "number" && hasSentence(`${key}_bare`)) return `${key}_bare`;
  if (hasSentence(`${key}_unclear`) && unclear(measure)) return `${key}_unclear`;
  const changed = hasSentence(`${key}_changed`) && changeWord(figure ?? state, false) !== "";
  return changed ? `${key}_changed` : key;
}

/** Whether a difference may be none: no interval, or one that holds 0. */
const unclear = ({ low, high }) =>
  typeof low !== "number" || typeof high !== "number" || (low <= 0 && high >= 0);

/** A difference in words, with its interval seen in the same direction. */
function changeText(name, measure) {
  if (typeof measure?.value !== "number") return "";
  const fell = signed(measure.value).startsWith("−");
  const turned = (value) => (typeof value !== "number" ? "?" : signed(fell ? -value : value));
  const [low, high] = fell ? [measure.high, measure.low] : [measure.low, measure.high];
  const value = Math.abs(measure.value).toFixed(2);
  return say("change", { label: changeWord(name, fell), value, low: turned(low), high: turned(high) });
}

function eventText(event, names) {
  const { kind, state, figure: measured, measure } = event;
  const figure = (value) => (typeof value === "number" ? signed(value) : "?");
  return say(eventKey(event), {
    who: names.get(event.person) ?? (event.slot === null ? "" : `P${event.slot}`),
    other: names.get(event.other) ?? state ?? say("somebody_else"),
    past: endedOf(kind, state),
    phase: phaseWord(state),
    what: measureWord(kind, measured ?? state),
    label: state,
    camera: event.camera,
    duration: duration(event.end_s - event.start_s),
    sure: sure(event.confidence),
    change: changeText(measured ?? state, measure),
    value: figure(measure?.value),
    low: figure(measure?.low),
    high: figure(measure?.high),
    n: measure?.n ?? 0,
    coverage: percent(measure?.coverage ?? 0),
  });
}

export function drawEvents({ events, names, clock }) {
  show(byId("events"), events.length > 0);
  keepInStep(byId("event-list"), events.toReversed(), (event) => event.number, eventItem, (item, event) => {
    setText(item.firstElementChild, clock(event.end_s));
    setText(item.lastElementChild, eventText(event, names));
  });
}

function eventItem({ kind }) {
  const item = make("li");
  item.dataset.kind = kind;
  item.append(make("time"), make("span"));
  return item;
}

/** Says the newest of what matters to whoever listens, and not too often. */
export class Announcer {
  constructor() {
    this.saidAt_ms = -Infinity;
  }

  tell(event, names, now_ms) {
    if (!SAID.has(event.kind) || now_ms - this.saidAt_ms < SAY_EVERY_MS) return;
    this.saidAt_ms = now_ms;
    setText(byId("announcer"), eventText(event, names));
  }
}
