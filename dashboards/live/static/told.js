// What is said of one person: now, when the data ended, or of a session that is over. Values only.

import {
  actionsOf, duration, labelOf, lookOf, pastOf, percent, readoutOf, say, sayFigures, stateAt, sure,
} from "./words.js";

/** States named for a person once the session is over. */
const MOST_SHARES = 2;

/** Whether what is known of somebody is the present. */
const isNow = (person, { closed, stale }) => person !== null && !closed && !stale;

/** {state, readout, detail}: how somebody looks now, or looked when the data ended. */
export function toldNow(person, { room, stale }) {
  const state = person?.state ?? "not_visible";
  const readout = stale ? pastOf(state) : readoutOf(state);
  if (person === null) return { state, readout, detail: "" };
  const parts = room.cameras.length > 1 ? [person.camera] : [];
  const lasted = { duration: duration(room.time_s - person.since_s) };
  parts.push(say(stale ? "last_seen" : "for_duration", lasted));
  if (person.confidence > 0) parts.push(say("confidence", { percent: sure(person.confidence) }));
  return { state, readout, detail: parts.join(" · ") };
}

/** The same of a session that is over: for which share of the time in view. */
export function toldAfterwards(key, { timeline }) {
  const totals = [...timeline.totals(key)].map(([number, s]) => [stateAt(number), s]);
  const inView = totals.filter(([state]) => state !== "not_visible");
  const seen_s = inView.reduce((sum, [, seconds]) => sum + seconds, 0);
  const share = (s) => percent(s / Math.max(seen_s, 1e-9));
  return {
    state: inView[0]?.[0] ?? "not_visible",
    readout: say("in_view_for", { duration: duration(seen_s) }),
    detail: inView
      .slice(0, MOST_SHARES)
      .map(([state, s]) => say("share_of_time", { label: labelOf(state), percent: share(s) }))
      .join(" · "),
  };
}

/** Figures of somebody whose face is being read, for whoever points at the line. */
export const toldFigures = (person, view) => (isNow(person, view) ? sayFigures("indices", person) : "");

/** How somebody looks all in all, and what they visibly do. */
export function toldDoing(person, view) {
  if (!isNow(person, view) || !person.visible) return "";
  const look = lookOf(person.look);
  const lasted = duration(view.room.time_s - person.look_since_s);
  const looks = look ? [say("look_for", { label: look, duration: lasted })] : [];
  return [...looks, ...actionsOf(person.actions)].join(" · ");
}

/** What was told of somebody at an earlier moment. */
export function toldMoment(key, time_s, { timeline, clock }) {
  const span = timeline.at(key, time_s);
  const time = clock(time_s);
  return span === null ? say("moment_gap", { time }) : say("moment", { time, past: pastOf(stateAt(span.state)) });
}
