// Figures over the last minutes: the room's for its curve, each person's for what has changed.
// Pure, bounded, no clock.

import { KEPT_S } from "./timeline.js";

/** Between two points kept, s. */
const EVERY_S = 0.5;
/** A person's figures are kept for this long, s: a minute, and what is averaged around its ends. */
const PERSON_KEPT_S = 90;
/** Points further apart than this are not joined, s. */
const GAP_S = 3;

/** Drop what is older than a moment, only now and then: shifting an array costs its length. */
function prune(columns, before_s, spare) {
  const [times] = columns;
  if (times.length < spare || times[0] >= before_s) return;
  const first = times.findIndex((time_s) => time_s >= before_s);
  for (const column of columns) column.splice(0, first < 0 ? times.length : first);
}

/** The room's measures over time, by name: columns [time_s, value, low, high], null where unknown. */
export class Curves {
  constructor() {
    this.clear();
  }

  clear() {
    this.measures = new Map();
    this.latest_s = null;
  }

  /** `measures` maps names to [value, low, high]; what isn't newer than the last is left out. */
  add(time_s, measures) {
    if (this.latest_s !== null && time_s - this.latest_s < EVERY_S) return;
    this.latest_s = time_s;
    for (const [name, [value, low, high]] of Object.entries(measures)) {
      if (!this.measures.has(name)) this.measures.set(name, [[], [], [], []]);
      const columns = this.measures.get(name);
      const last_s = columns[0].at(-1) ?? time_s;
      if (time_s - last_s > GAP_S) this.#push(columns, [last_s + EVERY_S, null, null, null]);
      this.#push(columns, [time_s, value, low, high]);
      prune(columns, time_s - KEPT_S, (KEPT_S / EVERY_S) * 1.1);
    }
  }

  #push(columns, row) {
    for (const [at, column] of columns.entries()) column.push(row[at] ?? null);
  }

  /** Columns of one measure from a moment on. */
  since(name, from_s) {
    const columns = this.measures.get(name) ?? [[], [], [], []];
    const first = columns[0].findIndex((time_s) => time_s >= from_s);
    return columns.map((column) => (first < 0 ? [] : column.slice(first)));
  }
}

/** What the gauge is made of, person by person: columns [time_s, figure], null where unknown. */
export class PersonFigures {
  constructor() {
    this.clear();
  }

  clear() {
    this.people = new Map();
    this.latest_s = null;
  }

  /** `people` are [key, figure]. */
  add(time_s, people) {
    if (this.latest_s !== null && time_s - this.latest_s < EVERY_S) return;
    this.latest_s = time_s;
    for (const [key, figure] of people) {
      if (!this.people.has(key)) this.people.set(key, [[], []]);
      const columns = this.people.get(key);
      columns[0].push(time_s);
      columns[1].push(figure);
      prune(columns, time_s - PERSON_KEPT_S, (PERSON_KEPT_S / EVERY_S) * 1.2);
    }
    for (const [key, [times]] of this.people) {
      if (times.length === 0 || times.at(-1) < time_s - PERSON_KEPT_S) this.people.delete(key);
    }
  }

  /** Somebody's mean between two moments; null where it was known for less than `least` of them. */
  mean(key, from_s, to_s, least) {
    const [times, figures] = this.people.get(key) ?? [[], []];
    let [sum, known] = [0, 0];
    for (let at = times.length - 1; at >= 0 && times[at] > from_s; at -= 1) {
      if (times[at] > to_s || figures[at] === null) continue;
      sum += figures[at];
      known += 1;
    }
    return known >= (least * (to_s - from_s)) / EVERY_S && known > 0 ? sum / known : null;
  }
}
