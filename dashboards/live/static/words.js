// What the page says: the server's words (dashboards/live/words.py), and how numbers are spelled.

let words = {
  order: [], states: {}, looks: {}, actions: {}, measures: {}, changes: {}, deviations: {}, phases: {}, drops: {},
  sentences: {}, scales: [], turning: [], on_purpose: [],
};

/** Fetch the words, before anything is said and when the room is for something else. */
export async function loadWords() {
  const answer = await fetch("/words");
  if (!answer.ok) throw new Error(`the words: ${answer.status}`);
  words = await answer.json();
}

/** Fill every element that names its words: data-say its text, data-say-… an attribute. */
export function fillWords(root) {
  for (const element of root.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const [name, attribute] of [["label", "aria-label"], ["placeholder", "placeholder"]]) {
    for (const element of root.querySelectorAll(`[data-say-${name}]`)) {
      element.setAttribute(attribute, say(element.getAttribute(`data-say-${name}`)));
    }
  }
}

/** A sentence with its {placeholders} filled. The result is text: set it as textContent. */
export function say(key, values = {}) {
  return (words.sentences[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** A sentence of a person's figures; empty where it may not be said, or a figure isn't known. */
export function sayFigures(key, person) {
  const names = [...(words.sentences[key] ?? "").matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  if (names.length === 0 || names.some((name) => typeof person[name] !== "number")) return "";
  return say(key, Object.fromEntries(names.map((name) => [name, signed(person[name])])));
}

/** How somebody looks all in all; empty where that can't be told. */
export const lookOf = (look) => (look === "cant_tell" ? "" : words.looks[look]?.label ?? "");
/** What somebody does now, in the vocabulary's order; actions are those of a room state. */
export const actionsOf = (actions) =>
  Object.entries(words.actions).filter(([name]) => name in actions).map(([, { label }]) => label);

/** The state behind a sample's number; numbers this page doesn't know are "unknown". */
export const stateAt = (number) => words.order[number] ?? "unknown";
export const states = () => words.order;
const spaced = (name) => String(name).replaceAll("_", " ");
export const labelOf = (state) => words.states[state]?.label ?? spaced(state);
export const readoutOf = (state) => words.states[state]?.readout ?? spaced(state);
export const pastOf = (state) => words.states[state]?.past ?? spaced(state);
/** What an event that ended says of its state, which is a state, a look or an action. */
export const endedOf = (kind, state) => {
  const group = { look_ended: words.looks, action_ended: words.actions }[kind] ?? words.states;
  return group[state]?.past ?? spaced(state);
};
/** What an event of the room, or somebody's deviation, is about. */
export const measureWord = (kind, name) =>
  (kind === "deviation" ? words.deviations : words.measures)[name] ?? spaced(name);
/** The room's measures that can be drawn, the gauge's first: {measure, low, high, sampled}. */
export const scales = () => words.scales;
export const gaugeScale = () => words.scales[0] ?? null;
/** A measure's figure: with its sign where the scale has two sides. */
export function figureOn(measure, value) {
  const scale = words.scales.find((each) => each.measure === measure);
  return (scale?.low ?? -1) < 0 ? signed(value) : value.toFixed(2);
}
/** Whether a look is one that a speaker is told of when somebody turns to it. */
export const isTurning = (look) => words.turning.includes(look);
/** Whether looks are read from faces; else there is only who is turned away. */
export const readsLooks = () => words.turning.some((look) => look !== "turned_away");
/** Whether a frame is dropped for that reason on purpose. */
export const isOnPurpose = (reason) => words.on_purpose.includes(reason);
/** What a measure that has risen, or fallen, is called; empty without a word for it. */
export const changeWord = (measure, fell) => words.changes[measure]?.[fell ? "less" : "more"] ?? "";
export const hasSentence = (key) => key in words.sentences;
export const phaseWord = (phase) => words.phases[phase] ?? spaced(phase);
export const dropWord = (reason) => words.drops[reason] ?? spaced(reason);

export const percent = (ratio) => `${Math.round(ratio * 100)} %`;
/** How sure something is; nothing is ever said to be 100 % sure. */
export const sure = (ratio) => (ratio > 0.995 ? say("over_99") : percent(ratio));

/** An index of −1..1 with its sign: "+0.42", "−0.05", "0.00". */
export function signed(index) {
  const digits = Math.abs(index).toFixed(2);
  if (Number(digits) === 0) return digits;
  return `${index < 0 ? "−" : "+"}${digits}`;
}

/** "under 1 s", "8 s", "2 min 5 s", "1 h 3 min". */
export function duration(seconds) {
  if (seconds < 0.95) return say("under_a_second");
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A short time: "0.4 s" below ten seconds, else as duration(). */
export const shortTime = (seconds) =>
  seconds < 9.95 ? `${Math.max(0, seconds).toFixed(1)} s` : duration(seconds);

const two = (number) => String(number).padStart(2, "0");

/** Time since the beginning: "0:19", "1:02:03". */
export function sessionClock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const tail = two(whole % 60);
  return minutes < 60 ? `${minutes}:${tail}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${tail}`;
}

/** Wall clock of a Unix time, in the viewer's zone: "14:32:10". */
export function wallClock(unixSeconds) {
  const date = new Date(unixSeconds * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
