// The three signs of the speaker mode, as values. Pure: no clock, no elements.
//
// A speaker can act on three things only: that the room changed while they spoke, who turned away
// from what they said, and how far the page can be relied on. Each says "can't tell" rather than
// something that rests on too little.

import { isTurning, readsLooks } from "./words.js";

/** "Now" and "a minute ago" are means over this long, s. */
const OVER_S = 15;
const AGO_S = 60;
/** Who was known for less than this share of both times doesn't count. */
const LEAST_KNOWN = 0.3;
/** Below this mean coverage nothing is said of the room, as in the aggregator's measures. */
const LEAST_COVERAGE = 0.3;
/** A change smaller than this is none worth a speaker's glance, on the gauge's scale. */
const LEAST_CHANGE = 0.1;
/** A look that began so long ago is no news any more, s. */
const NEWS_S = 45;
/** A look counts as a turn for who was there this long before, s: newcomers begin with some look. */
const BEFORE_S = 5;
/** People named at a time. */
const MOST_NAMED = 2;

/** 97.5 % quantiles of Student's t for 1 to 31 degrees of freedom. */
const T = [
  12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042, 2.04,
];

/**
 * How the room changed: each person's mean now minus theirs a minute ago, over those known at both
 * times; {n, mean, low, high} with a 95 % interval over people, null for fewer than two.
 */
export function change(figures, latest_s) {
  const differences = [];
  for (const key of figures.people.keys()) {
    const now = figures.mean(key, latest_s - OVER_S, latest_s, LEAST_KNOWN);
    const before = figures.mean(key, latest_s - AGO_S - OVER_S, latest_s - AGO_S, LEAST_KNOWN);
    if (now !== null && before !== null) differences.push(now - before);
  }
  const n = differences.length;
  if (n < 2) return null;
  const mean = differences.reduce((sum, each) => sum + each, 0) / n;
  const variance = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (n - 1);
  const half = T[Math.min(n - 1, T.length) - 1] * Math.sqrt(variance / n);
  return { n, mean, low: mean - half, high: mean + half };
}

/** {told: "more" | "less" | "same" | "cant_tell", n}: clear, and large enough, or not told. */
export function roomSign({ figures, room, stale, closed }) {
  if (stale || closed || room === null || (room.coverage ?? 0) < LEAST_COVERAGE) return { told: "cant_tell", n: 0 };
  const found = change(figures, room.time_s);
  if (found === null) return { told: "cant_tell", n: 0 };
  const { n, mean, low, high } = found;
  if (low > 0 && mean >= LEAST_CHANGE) return { told: "more", n };
  if (high < 0 && mean <= -LEAST_CHANGE) return { told: "less", n };
  return { told: "same", n };
}

/** Whether it could be seen if somebody turned. Without looks, who faces the front has none. */
function isTold(person) {
  if (!person.visible) return false;
  if (person.look !== "cant_tell") return true;
  return !readsLooks() && ("facing_front" in person.actions || person.measured.includes("facing_front"));
}

/**
 * Who turned lately to a look that a speaker is told of, newest first: {person, since_s}; null
 * where that can't be told.
 */
export function turnedSign({ room, stale, closed, timeline, keyOf }) {
  if (stale || closed || room === null || (room.coverage ?? 0) < LEAST_COVERAGE) return null;
  if (!room.people.some(isTold)) return null;
  const turned = (person) => {
    const first_s = timeline.firstSeen(keyOf(person));
    const fresh = room.time_s - person.look_since_s <= NEWS_S;
    const known = first_s !== null && person.look_since_s - first_s >= BEFORE_S;
    return person.visible && isTurning(person.look) && fresh && known;
  };
  return room.people
    .filter(turned)
    .sort((a, b) => b.look_since_s - a.look_since_s)
    .slice(0, MOST_NAMED)
    .map((person) => ({ person, since_s: person.look_since_s }));
}

/** {coverage, visible, known, low}: how much of the room could be read in the last minute. */
export function readableSign({ room, stale, closed }) {
  if (stale || closed || room === null || room.coverage === null) return null;
  const visible = room.people.filter((person) => person.visible).length;
  return { coverage: room.coverage, visible, known: room.people.length, low: room.coverage < 0.5 };
}
