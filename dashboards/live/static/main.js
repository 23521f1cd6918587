// Puts the page together: messages come in, one picture goes out, drawn only when something is new.

import { byId } from "./dom.js";
import { forgetPalette } from "./palette.js";
import { follow } from "./stream.js";
import { Strips } from "./strips.js";
import {
  drawBanner, drawCameras, drawEmpty, drawEvents, drawFigures, drawHead, drawMix, drawSeen, isStale,
} from "./summary.js";
import { Timeline } from "./timeline.js";
import { loadWords, sessionClock, states, wallClock } from "./words.js";

/** Events kept for the list. */
const EVENTS_KEPT = 60;
/** How often the age of the data is looked at, ms. */
const AGE_EVERY_MS = 1000;

const timeline = new Timeline();
const model = { room: null, names: {}, events: [], status: null, connected: true, window_s: 180 };
let receivedAt_ms = 0;
let ageThen_s = 0;
let eventNumber = 0;
let scheduled = false;
let wasStale = false;
/** What the room was for when the words were fetched. */
let purpose = null;

const strips = new Strips(schedule);

/** Seconds since the newest room state was made: the server's measure, and the time since then. */
function silent_s() {
  return model.room === null ? 0 : ageThen_s + (performance.now() - receivedAt_ms) / 1000;
}

function schedule() {
  if (scheduled || document.hidden) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    draw();
  });
}

function currentView() {
  const { room } = model;
  const recording = room !== null && room.cameras.length > 0 && room.cameras.every((c) => c.mode === "recording");
  const age_s = silent_s();
  return {
    ...model,
    events: model.events.filter((event) => event.session === room?.session),
    timeline,
    recording,
    closed: room?.phase === "closed",
    silent_s: age_s,
    stale: isStale({ ...model, silent_s: age_s }),
    clock: (time_s) => (recording ? sessionClock(time_s) : wallClock((room?.started_at ?? 0) + time_s)),
  };
}

function draw() {
  const view = currentView();
  wasStale = view.stale;
  for (const part of [drawHead, drawBanner, drawFigures, drawMix, drawEmpty, drawSeen, drawCameras, drawEvents]) {
    part(view);
  }
  strips.draw(view);
}

/** Between messages only the data's age changes. */
function drawAge() {
  if (document.hidden) return;
  const view = currentView();
  if (view.stale !== wasStale) schedule();
  drawFigures(view);
}

/** What a room is for decides over which words there are. */
async function speakFor(room) {
  if (room === null || room.purpose === purpose) return;
  await loadWords();
  purpose = room.purpose;
}

function takeRoom(room, age_s) {
  if (model.room !== null && room.session !== model.room.session) {
    timeline.clear();
    model.names = {};
    const gone = model.room.session;
    model.events = model.events.filter((event) => event.session !== gone);
  }
  model.room = room;
  receivedAt_ms = performance.now();
  ageThen_s = age_s;
  const order = states();
  const people = room.people.map((p) => [p.slot, order.indexOf(p.state), p.since_s]);
  for (const person of room.people) model.names[person.slot] = person.pseudonym;
  timeline.add(room.time_s, room.at, people);
}

function takeEvent(event) {
  if (event.kind === "state_ended" && event.session === model.room?.session) {
    timeline.settle(event.slot, states().indexOf(event.state), event.start_s, event.end_s);
  }
  eventNumber += 1;
  model.events.push({ ...event, number: eventNumber });
  if (model.events.length > EVENTS_KEPT) model.events.shift();
}

const handlers = {
  async history({ room, age_s, samples, names, events, status }) {
    await speakFor(room);
    timeline.clear();
    for (const [time_s, at, people] of samples) timeline.add(time_s, at, people);
    model.room = null;
    model.events = [];
    model.status = status;
    if (room !== null) takeRoom(room, age_s);
    model.names = names;
    for (const event of events) takeEvent(event);
    schedule();
  },
  async room({ room, age_s }) {
    await speakFor(room);
    takeRoom(room, age_s);
    schedule();
  },
  event(event) {
    takeEvent(event);
    schedule();
  },
  status(status) {
    model.status = status;
    schedule();
  },
};

/** Take messages one after the other, also where one has to wait for its words. */
function inTurn(takers) {
  let turn = Promise.resolve();
  const taking = ([kind, take]) => [
    kind,
    (message) => {
      turn = turn.then(() => take(message)).catch((error) => console.error(error));
    },
  ];
  return Object.fromEntries(Object.entries(takers).map(taking));
}

/** A token that came with the address is in a cookie by now: keep it out of sight and history. */
function hideToken() {
  const address = new URL(window.location.href);
  if (!address.searchParams.has("token")) return;
  address.searchParams.delete("token");
  window.history.replaceState(null, "", address);
}

async function begin() {
  hideToken();
  await loadWords();
  byId("window").addEventListener("change", (event) => {
    model.window_s = Number(event.target.value);
    schedule();
  });
  const repaint = () => {
    forgetPalette();
    schedule();
  };
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  window.addEventListener("resize", repaint);
  document.addEventListener("visibilitychange", schedule);
  window.setInterval(drawAge, AGE_EVERY_MS);
  follow(inTurn(handlers), (connected) => {
    model.connected = connected;
    schedule();
  });
  schedule();
}

await begin();
