// What each person looked like when: spans folded from samples. Pure, bounded, no clock.

/** Session time kept, s: the longest window the page offers. */
export const KEPT_S = 600;
/** Samples further apart than this (by session time and by the clock on the wall) leave a gap, s. */
const GAP_S = 3;

/**
 * Spans by slot: {start, end, state, confidence}, times in session seconds, oldest first.
 * A person who is in no sample has no span there: a gap is never filled.
 */
export class Timeline {
  constructor() {
    this.clear();
  }

  clear() {
    this.slots = new Map();
    this.first_s = null;
    this.latest_s = null;
    this.latestAt = null;
  }

  /**
   * Take a sample in. `people` are [slot, state, since_s, confidence]; samples that aren't newer
   * than the last are left out (a recording that paused, or one that came twice).
   */
  add(time_s, at, people) {
    const previous_s = this.latest_s;
    if (previous_s !== null && time_s <= previous_s) return;
    const gap = previous_s === null || (time_s - previous_s > GAP_S && at - this.latestAt > GAP_S);
    for (const [slot, state, since_s, confidence] of people) {
      this.#extend(slot, state, since_s, confidence, time_s, gap ? null : previous_s);
    }
    this.first_s ??= time_s;
    this.latest_s = time_s;
    this.latestAt = at;
    this.#prune(time_s - KEPT_S);
  }

  #extend(slot, state, since_s, confidence, time_s, previous_s) {
    if (!this.slots.has(slot)) this.slots.set(slot, []);
    const spans = this.slots.get(slot);
    const last = spans.at(-1);
    const follows = last !== undefined && previous_s !== null && last.end >= previous_s;
    if (follows && last.state === state) {
      last.end = time_s;
      last.confidence = confidence;
      return;
    }
    // The change lies between two samples; since_s says where.
    const start = Math.min(time_s, Math.max(since_s, previous_s ?? time_s));
    if (follows) last.end = start;
    spans.push({ start, end: time_s, state, confidence });
  }

  /**
   * A state is over and its true bounds are known (an event says so): put right what the samples
   * could only tell to half a second, or missed. Never paints over another span.
   */
  settle(slot, state, start_s, end_s) {
    if (this.latest_s === null || end_s < this.latest_s - KEPT_S) return;
    if (!this.slots.has(slot)) this.slots.set(slot, []);
    const spans = this.slots.get(slot);
    let place = spans.findIndex((span) => span.end >= start_s && span.start <= end_s && span.state === state);
    if (place < 0) {
      const after = spans.findIndex((span) => span.start >= start_s);
      place = after < 0 ? spans.length : after;
      spans.splice(place, 0, { start: end_s, end: start_s, state, confidence: 0 });
    }
    const span = spans[place];
    span.start = Math.max(Math.min(span.start, start_s), spans[place - 1]?.end ?? -Infinity);
    span.end = Math.min(Math.max(span.end, end_s), spans[place + 1]?.start ?? Infinity);
    if (span.end <= span.start) spans.splice(place, 1);
    if (spans.length === 0) this.slots.delete(slot);
  }

  /** How long a person was in each state, s: Map from state to seconds, longest first. */
  totals(slot) {
    const totals = new Map();
    for (const { start, end, state } of this.slots.get(slot) ?? []) {
      totals.set(state, (totals.get(state) ?? 0) + end - start);
    }
    return new Map([...totals].sort(([, a], [, b]) => b - a));
  }

  #prune(before_s) {
    for (const [slot, spans] of this.slots) {
      while (spans.length > 0 && spans[0].end < before_s) spans.shift();
      if (spans.length === 0) this.slots.delete(slot);
    }
    if (this.first_s < before_s) this.first_s = before_s;
  }

  /** The span that covers a moment, or null. */
  at(slot, time_s) {
    const spans = this.slots.get(slot) ?? [];
    return spans.findLast((span) => span.start <= time_s && time_s <= span.end) ?? null;
  }

  /** Slots with anything to show from a moment on, in order. */
  slotsSince(time_s) {
    return [...this.slots]
      .filter(([, spans]) => spans.at(-1).end >= time_s)
      .map(([slot]) => slot)
      .sort((a, b) => a - b);
  }
}
