// All that the page is told, folded into one bounded model; no elements, and no clock of its own.

import { Curves, PersonFigures } from "./figures.js";
import { Timeline } from "./timeline.js";
import { gaugeScale, sessionClock, states, wallClock } from "./words.js";

/** Events kept for the list. */
const EVENTS_KEPT = 60;
/** Marked moments kept for the curve. */
const MARKS_KEPT = 1000;
/** Samples of a history taken in without a pause: with 32 people a few milliseconds. */
const SAMPLES_AT_ONCE = 100;
/** A running session silent for this long has no data, s. */
const STALE_S = 5;

/** What somebody is kept by: their number in the session; a slot may become somebody else's. */
export const keyOf = (person) => (person.person > 0 ? person.person : -person.slot);
export const nameOf = (person) => person.name || person.pseudonym;

/** The gauge's figure of one person: a number of theirs, or whether they do something; or null. */
function figureOf(person, measure) {
  if (typeof person[measure] === "number") return person[measure];
  if (measure in person.actions) return 1;
  return person.measured.includes(measure) ? 0 : null;
}

/** Whether the newest room state is too old to be told as the present. */
function isStale({ room, status, connected, silent_s }) {
  if (room === null || room.phase === "closed") return false;
  return !connected || status?.redis === false || silent_s > STALE_S;
}

/** Take one of the server's samples (dashboards/live/history.py) into what is drawn from them. */
function takeSample({ timeline, curves, figures }, [time_s, at, people, measures]) {
  const sampled = gaugeScale()?.sampled;
  const looked = people.map(([slot, state, since_s, person]) => [person > 0 ? person : -slot, state, since_s]);
  timeline.add(time_s, at, looked);
  figures.add(time_s, people.map((each, number) => [looked[number][0], each[sampled] ?? null]));
  curves.add(time_s, measures ?? {});
}

export class Model {
  constructor() {
    this.room = null;
    this.names = new Map();
    this.events = [];
    this.marks = [];
    this.status = null;
    this.connected = true;
    this.window_s = 180;
    this.timeline = new Timeline();
    this.curves = new Curves();
    this.figures = new PersonFigures();
    this.numbered = 0;
    this.heardAt_ms = 0;
    this.ageThen_s = 0;
  }

  /** Begin anew, from the samples of the last minutes; `pause` lets the browser breathe. */
  async takeHistory({ room, age_s, samples, names, events, status }, now_ms, pause) {
    const past = { timeline: new Timeline(), curves: new Curves(), figures: new PersonFigures() };
    for (let first = 0; first < samples.length; first += SAMPLES_AT_ONCE) {
      for (const sample of samples.slice(first, first + SAMPLES_AT_ONCE)) takeSample(past, sample);
      await pause();
    }
    // At once, so that nobody draws a half of it.
    this.#forget();
    Object.assign(this, past);
    this.events = [];
    this.room = null;
    this.status = status;
    if (room !== null) this.takeRoom(room, age_s, now_ms);
    for (const [key, name] of Object.entries(names)) this.names.set(Number(key), name);
    for (const event of events) this.takeEvent(event);
  }

  #forget() {
    this.timeline.clear();
    this.curves.clear();
    this.figures.clear();
    this.names.clear();
    this.marks = [];
  }

  takeRoom(room, age_s, now_ms) {
    if (this.room !== null && room.session !== this.room.session) {
      const gone = this.room.session;
      const kept = this.events.filter((event) => event.session !== gone);
      this.#forget();
      this.events = kept;
    }
    this.room = room;
    this.heardAt_ms = now_ms;
    this.ageThen_s = age_s;
    const order = states();
    const measure = gaugeScale()?.measure;
    const { people, time_s, at, away } = room;
    for (const [key, name] of Object.entries(away)) this.names.set(Number(key), name);
    for (const person of people) this.names.set(keyOf(person), nameOf(person));
    this.timeline.add(time_s, at, people.map((p) => [keyOf(p), order.indexOf(p.state), p.since_s]));
    this.figures.add(time_s, people.map((p) => [keyOf(p), figureOf(p, measure)]));
    const measured = Object.entries(room.measures).map(([name, m]) => [name, [m.value, m.low, m.high]]);
    this.curves.add(time_s, Object.fromEntries(measured));
  }

  takeEvent(event) {
    const ours = event.session === this.room?.session;
    if (ours && event.kind === "state_ended") {
      this.timeline.settle(this.#keyIn(event), states().indexOf(event.state), event.start_s, event.end_s);
    }
    if (ours && event.kind === "merged" && event.other !== null) {
      this.timeline.merge(event.person, event.other);
      this.names.delete(event.other);
    }
    if (event.kind === "marker") this.#keep(this.marks, event, MARKS_KEPT);
    this.numbered += 1;
    this.#keep(this.events, { ...event, number: this.numbered }, EVENTS_KEPT);
  }

  #keyIn(event) {
    return event.person > 0 ? event.person : -event.slot;
  }

  #keep(list, item, most) {
    list.push(item);
    if (list.length > most) list.shift();
  }

  /** Seconds since the newest room state was made: the server's measure, and the time since then. */
  silent_s(now_ms) {
    return this.room === null ? 0 : this.ageThen_s + (now_ms - this.heardAt_ms) / 1000;
  }

  /** Everything that the parts draw from, as of now. */
  view(now_ms) {
    const { room, status, connected } = this;
    const silent_s = this.silent_s(now_ms);
    const recording = room !== null && room.cameras.length > 0 && room.cameras.every((c) => c.mode === "recording");
    const session = room?.session;
    return {
      room, status, connected, recording, silent_s, keyOf, nameOf,
      names: this.names,
      timeline: this.timeline,
      curves: this.curves,
      figures: this.figures,
      window_s: this.window_s,
      events: this.events.filter((event) => event.session === session),
      marks: this.marks.filter((event) => event.session === session),
      closed: room?.phase === "closed",
      stale: isStale({ room, status, connected, silent_s }),
      clock: (time_s) => (recording ? sessionClock(time_s) : wallClock((room?.started_at ?? 0) + time_s)),
    };
  }
}
