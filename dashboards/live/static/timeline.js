// What each person looked like when: spans folded from samples. Pure, bounded, no clock.

/** Session time kept, s: the longest window the page offers. */
export const KEPT_S = 600;
/** Samples further apart than this (by session time and by the clock on the wall) leave a gap, s. */
const GAP_S = 3;

/** What a cut leaves of a span is dropped below this: samples are rounded to 10 ms, s. */
const SLIVER_S = 0.02;

/** The parts of a span that lie outside of a stretch of time. */
function outside(span, start_s, end_s) {
  if (span.end <= start_s || span.start >= end_s) return [span];
  const parts = [
    { ...span, end: start_s },
    { ...span, start: end_s },
  ];
  return parts.filter((part) => part.end - part.start > SLIVER_S);
}

/**
 * Spans by person: {start, end, state}, times in session seconds, oldest first. Someone is kept by
 * their number in the session, since a slot may become somebody else's (model.js: keyOf).
 * A person who is in no sample has no span there: a gap is never filled.
 */
export class Timeline {
  constructor() {
    this.clear();
  }

  clear() {
    this.people = new Map();
    this.settled = 0;
    this.first_s = null;
    this.latest_s = null;
    this.latestAt = null;
  }

  /**
   * Take a sample in. `people` are [key, state, since_s]; samples that aren't newer
   * than the last are left out (a recording that paused, or one that came twice).
   */
  add(time_s, at, people) {
    const previous_s = this.latest_s;
    if (previous_s !== null && time_s <= previous_s) return;
    const gap = previous_s === null || (time_s - previous_s > GAP_S && at - this.latestAt > GAP_S);
    for (const [key, state, since_s] of people) {
      this.#extend(key, state, since_s, time_s, gap ? null : previous_s);
    }
    this.first_s ??= time_s;
    this.latest_s = time_s;
    this.latestAt = at;
    this.#prune(time_s - KEPT_S);
  }

  #extend(key, state, since_s, time_s, previous_s) {
    if (!this.people.has(key)) this.people.set(key, []);
    const spans = this.people.get(key);
    const last = spans.at(-1);
    const follows = last !== undefined && previous_s !== null && last.end >= previous_s;
    if (follows && last.state === state) {
      last.end = time_s;
      return;
    }
    // The change lies between two samples; since_s says where.
    const start = Math.min(time_s, Math.max(since_s, previous_s ?? time_s));
    if (follows) last.end = start;
    spans.push({ start, end: time_s, state });
  }

  /**
   * A state is over and an event says from when until when: that is the truth, and takes the
   * place of what samples half a second apart (seconds, in a recording played fast) could tell.
   */
  settle(key, state, start_s, end_s) {
    if (this.latest_s === null || end_s <= start_s || end_s < this.latest_s - KEPT_S) return;
    const told = this.people.get(key) ?? [];
    const spans = told.flatMap((span) => outside(span, start_s, end_s));
    spans.push({ start: start_s, end: end_s, state });
    this.people.set(key, spans.sort((a, b) => a.start - b.start));
    this.settled += 1;
  }

  /** Two turned out to be one: what was told of `other` is told of `kept`, where it told nothing. */
  merge(kept, other) {
    const told = this.people.get(kept) ?? [];
    const added = told.reduce(
      (spans, { start, end }) => spans.flatMap((span) => outside(span, start, end)),
      this.people.get(other) ?? [],
    );
    this.people.delete(other);
    this.settled += 1;
    if (told.length + added.length > 0) {
      this.people.set(kept, [...told, ...added].sort((a, b) => a.start - b.start));
    }
  }

  /** When somebody was first told of, s; null where they weren't. */
  firstSeen(key) {
    return this.people.get(key)?.[0]?.start ?? null;
  }

  /** How long a person was in each state, s: Map from state to seconds, longest first. */
  totals(key) {
    const totals = new Map();
    for (const { start, end, state } of this.people.get(key) ?? []) {
      totals.set(state, (totals.get(state) ?? 0) + end - start);
    }
    return new Map([...totals].sort(([, a], [, b]) => b - a));
  }

  #prune(before_s) {
    for (const [key, spans] of this.people) {
      while (spans.length > 0 && spans[0].end < before_s) spans.shift();
      if (spans.length === 0) this.people.delete(key);
    }
    if (this.first_s < before_s) this.first_s = before_s;
  }

  /** The span that covers a moment, or null. */
  at(key, time_s) {
    const spans = this.people.get(key) ?? [];
    return spans.findLast((span) => span.start <= time_s && time_s <= span.end) ?? null;
  }

  /** Keys of those with anything to show from a moment on, in order. */
  since(time_s) {
    return [...this.people]
      .filter(([, spans]) => spans.at(-1).end >= time_s)
      .map(([key]) => key)
      .sort((a, b) => a - b);
  }
}
