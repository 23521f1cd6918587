// The top of the page: title, phase, and the one line that says what is wrong, over or not stored.

import { byId, setText, show } from "./dom.js";
import { isWhole } from "./frame.js";
import { phaseWord, say, sessionClock, wallClock } from "./words.js";

const GOOD_PHASES = new Set(["running", "rolling", "streaming"]);
const BAD_PHASES = new Set(["retrying", "stale"]);
/** Phases in which people are read. */
const READING = new Set(["running", "rolling"]);

export function setPill(pill, phase, word) {
  setText(pill, word);
  pill.classList.toggle("good", GOOD_PHASES.has(phase));
  pill.classList.toggle("bad", BAD_PHASES.has(phase));
}

export const isReading = (room) => READING.has(room?.phase);

export const titleOf = (room) => (room ? room.title || say("untitled", { room: room.room }) : "Read the Room");

export function phaseOf({ room, recording, stale }) {
  const phase = stale ? "stale" : room.phase;
  return { phase, word: phaseWord(phase === "running" && recording ? "running_recording" : phase) };
}

export function drawHead(view) {
  const { room } = view;
  setText(byId("title"), titleOf(room));
  const tab = room ? `${titleOf(room)} · Read the Room` : "Read the Room";
  if (document.title !== tab) document.title = tab;
  setText(byId("honesty"), say("honesty"));
  show(byId("phase"), room !== null);
  show(byId("overview"), isReading(room));
  if (room === null) return;
  const { phase, word } = phaseOf(view);
  setPill(byId("phase"), phase, word);
}

/** Empty where all is well. */
export function bannerText({ room, status, connected, stale, closed, recording, timeline }) {
  const since = room ? wallClock(room.at) : null;
  if (!connected) return since ? say("server_away_since", { since }) : say("server_away");
  if (closed) {
    const end = recording ? sessionClock(room.time_s) : wallClock(room.started_at + room.time_s);
    return say(`closed_${recording ? "recording" : "live"}${isWhole(timeline) ? "_whole" : ""}`, { end });
  }
  if (status !== null && !status.redis) return since ? say("redis_away_since", { since }) : say("redis_away");
  if (stale) return say("no_data_since", { since });
  return room?.phase === "rolling" ? say("rolling") : "";
}

export function drawBanner(view) {
  const text = bannerText(view);
  show(byId("banner"), text !== "");
  setText(byId("banner"), text);
}

export function drawEmpty({ room }) {
  const waiting = room === null || room.phase === "waiting" || room.cameras.length === 0;
  setText(byId("empty-title"), say(waiting ? "waiting" : "nobody"));
  setText(byId("empty-hint"), say(waiting ? "waiting_hint" : "nobody_hint"));
}
