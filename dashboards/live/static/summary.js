// Everything around the strips: title, phase, figures, the room's mix, cameras, what happened.

import { byId, keepInStep, make, setText, show } from "./dom.js";
import { paintSwatch } from "./palette.js";
import { WHOLE_FROM_S } from "./strips.js";
import {
  dropWord, duration, endedOf, hasSentence, labelOf, measureWord, percent, phaseWord, say, sessionClock, shortTime,
  signed, states, wallClock,
} from "./words.js";

/** A running session silent for this long has no data, s. */
const STALE_S = 5;

const GOOD_PHASES = new Set(["running", "rolling", "streaming"]);
/** Phases in which people are read. */
const READING = new Set(["running", "rolling"]);
const BAD_PHASES = new Set(["retrying", "stale"]);

function setPill(pill, phase, word) {
  setText(pill, word);
  pill.classList.toggle("good", GOOD_PHASES.has(phase));
  pill.classList.toggle("bad", BAD_PHASES.has(phase));
}

/** Whether the newest room state is too old to be told as the present. */
export function isStale({ room, status, connected, silent_s }) {
  if (room === null || room.phase === "closed") return false;
  return !connected || status?.redis === false || silent_s > STALE_S;
}

export function drawHead({ room, recording, stale }) {
  const title = room ? room.title || say("untitled", { room: room.room }) : "Read the Room";
  setText(byId("title"), title);
  document.title = room ? `${title} · Read the Room` : title;
  setText(byId("honesty"), say("honesty"));
  show(byId("phase"), room !== null);
  if (room === null) return;
  const phase = stale ? "stale" : room.phase;
  setPill(byId("phase"), phase, phaseWord(phase === "running" && recording ? "running_recording" : phase));
  const engines = Object.entries(room.engines);
  const parts = [];
  if (room.phase !== "waiting" && !("expression" in room.engines)) parts.push(say("no_expression"));
  if (engines.length > 0) {
    const list = engines.map(([engine, model]) => `${engine} ${model}`).join(", ");
    parts.push(say("reading_with", { engines: list }));
  }
  setText(byId("engines"), parts.join(" "));
}

/** The one line that says what is wrong, over or not stored; empty where all is well. */
export function bannerText({ room, status, connected, stale, closed, recording, timeline }) {
  const since = room ? wallClock(room.at) : null;
  if (!connected) return since ? say("server_away_since", { since }) : say("server_away");
  if (closed) {
    const whole = timeline.first_s !== null && timeline.first_s <= WHOLE_FROM_S;
    const end = recording ? sessionClock(room.time_s) : wallClock(room.started_at + room.time_s);
    return say(`closed_${recording ? "recording" : "live"}${whole ? "_whole" : ""}`, { end });
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

export function drawFigures({ room, silent_s, stale }) {
  const visible = room?.people.filter((person) => person.visible).length ?? 0;
  show(byId("figures"), READING.has(room?.phase));
  if (room === null) return;
  setText(byId("figure-people"), stale ? "–" : say("in_view_of", { visible, known: room.people.length }));
  setText(byId("figure-coverage"), room.coverage === null ? "–" : percent(room.coverage));
  setText(byId("figure-lag"), shortTime(room.lag_s + silent_s));
  const rate = room.cameras.reduce((sum, camera) => sum + camera.fps, 0);
  setText(byId("figure-rate"), stale ? "–" : rate.toFixed(1));
}

export function drawMix({ room, stale }) {
  const visible = room?.people.filter((person) => person.visible).length ?? 0;
  const order = states();
  const shares = Object.entries(room?.shares ?? {})
    .filter(([, share]) => share > 0)
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  setText(byId("mix-heading"), say(stale ? "mix_last" : "mix_now"));
  show(byId("mix"), READING.has(room?.phase));
  keepInStep(byId("mix-bar"), shares, ([state]) => state, () => make("canvas"), (part, [state, share]) => {
    part.style.flexGrow = share.toFixed(4);
    paintSwatch(part, state);
  });
  const listed = shares.length > 0 ? shares : [["nobody", 0]];
  keepInStep(byId("mix-list"), listed, ([state]) => state, mixItem, (item, [state, share]) => {
    const [swatch, text] = item.children;
    show(swatch, state !== "nobody");
    if (state !== "nobody") paintSwatch(swatch, state);
    const count = Math.round(share * visible);
    const words = { label: labelOf(state), count, percent: percent(share) };
    setText(text, state === "nobody" ? say("mix_empty") : say("share", words));
  });
}

function mixItem() {
  const item = make("li");
  item.append(make("canvas", "swatch"), make("span"));
  item.firstElementChild.setAttribute("aria-hidden", "true");
  return item;
}

export function drawEmpty({ room }) {
  const waiting = room === null || room.phase === "waiting" || room.cameras.length === 0;
  setText(byId("empty-title"), say(waiting ? "waiting" : "nobody"));
  setText(byId("empty-hint"), say(waiting ? "waiting_hint" : "nobody_hint"));
}

export function drawSeen({ room, names }) {
  const known = Object.keys(names).length;
  show(byId("seen"), known > 0);
  const parts = [known === 1 ? say("seen_person") : say("seen_people", { known })];
  if (room !== null && room.coverage !== null) {
    const sentence = room.phase === "closed" ? "seen_coverage_closed" : "seen_coverage";
    parts.push(say(sentence, { percent: percent(room.coverage) }));
  }
  setText(byId("seen"), `${parts.join(" · ")}.`);
  show(byId("overflow"), (room?.overflow ?? 0) > 0);
  setText(byId("overflow"), say("overflow", { count: room?.overflow ?? 0 }));
}

export function drawCameras({ room, stale }) {
  const cameras = room?.cameras ?? [];
  show(byId("cameras"), cameras.length > 0);
  keepInStep(byId("camera-list"), cameras, (camera) => camera.camera, cameraItem, (item, camera) =>
    updateCamera(item, camera, stale),
  );
}

function cameraItem() {
  const item = make("li");
  const head = make("div", "camera-head");
  head.append(make("span", "camera-name"), make("span", "pill"));
  item.append(head, make("div", "trouble"), make("div", "small facts"), make("div", "muted small drops"));
  item.append(make("div", "source"));
  return item;
}

function updateCamera(item, camera, stale) {
  setText(item.querySelector(".camera-name"), camera.camera);
  const phase = stale ? "stale" : camera.phase;
  setPill(item.querySelector(".pill"), phase, phaseWord(phase));
  show(item.querySelector(".trouble"), camera.reason !== "");
  setText(item.querySelector(".trouble"), camera.reason);
  setText(item.querySelector(".facts"), cameraFacts(camera, stale).join(" · "));
  const drops = Object.entries(camera.dropped).filter(([, count]) => count > 0);
  const reasons = drops.map(([reason, count]) => `${count} ${dropWord(reason)}`).join(", ");
  setText(item.querySelector(".drops"), reasons ? say("camera_dropped", { reasons }) : say("no_drops"));
  setText(item.querySelector(".source"), camera.source);
}

function cameraFacts(camera, stale) {
  const facts = [];
  if (camera.width > 0) facts.push(say("camera_size", camera));
  if (camera.phase === "streaming" && !stale) {
    facts.push(say("camera_rate", { fps: camera.fps.toFixed(1) }));
    facts.push(say("camera_lag", { lag: shortTime(camera.lag_s) }));
    facts.push(say("camera_people", camera));
  }
  facts.push(say("camera_frames", camera));
  return facts;
}

export function drawEvents({ events, names, clock }) {
  show(byId("events"), events.length > 0);
  const newestFirst = events.toReversed();
  keepInStep(byId("event-list"), newestFirst, (event) => event.number, eventItem, (item, event) => {
    setText(item.firstElementChild, clock(event.end_s));
    setText(item.lastElementChild, eventText(event, names));
  });
}

function eventItem() {
  const item = make("li");
  item.append(make("time"), make("span"));
  return item;
}

/** The sentence of an event: the one that says how sure, or without figures, where that fits. */
function eventKey({ kind, confidence, measure }) {
  const key = `event_${kind}`;
  if (confidence > 0 && hasSentence(`${key}_sure`)) return `${key}_sure`;
  if (typeof measure?.value !== "number" && hasSentence(`${key}_bare`)) return `${key}_bare`;
  return key;
}

function eventText(event, names) {
  const { kind, state, figure: measured, measure } = event;
  const nameOf = (slot) => names[slot] ?? `P${slot}`;
  const figure = (value) => (typeof value === "number" ? signed(value) : "?");
  return say(eventKey(event), {
    who: event.slot === null ? "" : nameOf(event.slot),
    other: state,
    past: endedOf(kind, state),
    phase: phaseWord(state),
    what: measureWord(kind, measured ?? state),
    label: state,
    camera: event.camera,
    duration: duration(event.end_s - event.start_s),
    sure: percent(event.confidence),
    value: figure(measure?.value),
    low: figure(measure?.low),
    high: figure(measure?.high),
    n: measure?.n ?? 0,
    coverage: percent(measure?.coverage ?? 0),
  });
}
