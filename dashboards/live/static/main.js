// Puts the page together: messages come in, one picture goes out, drawn only when something is new.

import { about } from "./api.js";
import { drawCameras } from "./cameras.js";
import { Curve } from "./curve.js";
import { byId, show } from "./dom.js";
import { Announcer, drawEvents } from "./feed.js";
import { drawGauge, drawMix } from "./gauge.js";
import { drawBanner, drawEmpty, drawHead } from "./head.js";
import { watchDialogs } from "./help.js";
import { Marks } from "./marks.js";
import { Model } from "./model.js";
import { mode, watchModes } from "./modes.js";
import { forgetPalette, whenResized } from "./palette.js";
import { People } from "./people.js";
import { PersonDialog } from "./person.js";
import { Pictures } from "./pictures.js";
import { drawEngines, drawFigures, drawSeen } from "./rests.js";
import { watchScheme } from "./scheme.js";
import { Session } from "./session.js";
import { Speaker } from "./speaker.js";
import { follow } from "./stream.js";
import { Wall } from "./wall.js";
import { fillWords, loadWords } from "./words.js";

/** How often the age of the data is looked at, ms. */
const AGE_EVERY_MS = 1000;

const model = new Model();
const marks = new Marks();
const session = new Session();
const curve = new Curve();
const pictures = new Pictures();
const announcer = new Announcer();
const person = new PersonDialog(() => view());
const people = new People(schedule, (key) => person.open(key));
const others = { wall: new Wall(), speaker: new Speaker() };
const parts = [
  drawHead, drawBanner, drawGauge, drawMix, drawEmpty, drawSeen, drawCameras, drawEvents, drawFigures, drawEngines,
];

let scheduled = false;
let wasStale = false;
/** What the room was for when the words were fetched; undefined: they weren't yet. */
let purpose = undefined;

const pause = () => new Promise((resolve) => window.setTimeout(resolve));
const view = () => model.view(performance.now());

function schedule() {
  if (scheduled || document.hidden) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    draw();
  });
}

function draw() {
  const now = view();
  wasStale = now.stale;
  if (mode() !== "page") {
    others[mode()].draw(now);
    return;
  }
  for (const part of parts) part(now);
  session.draw(now);
  people.draw(now);
  curve.draw(now, performance.now());
}

/** Between messages only the data's age changes. */
function drawAge() {
  if (document.hidden) return;
  const now = view();
  if (now.stale !== wasStale) schedule();
  if (mode() === "page") drawFigures(now);
}

/** What a room is for decides over which words there are. */
async function speakFor(room) {
  const wanted = room === null ? null : room.purpose;
  if (purpose !== undefined && (wanted === null || wanted === purpose)) return;
  await loadWords();
  purpose = wanted;
  fillWords(document);
  curve.speak();
}

async function introduce() {
  const said = await about();
  marks.mayWrite = said.may_write;
  for (const control of document.querySelectorAll("[data-writes]")) control.disabled = !said.may_write;
  for (const reason of document.querySelectorAll(".locked")) show(reason, !said.may_write);
  pictures.offer(said.pictures);
}

const handlers = {
  async history(message) {
    await speakFor(message.room);
    await model.takeHistory(message, performance.now(), pause);
    if (message.room !== null) marks.begin(message.room.session);
    await introduce();
    schedule();
  },
  async room({ room, age_s }) {
    await speakFor(room);
    marks.begin(room.session);
    model.takeRoom(room, age_s, performance.now());
    schedule();
  },
  event(event) {
    model.takeEvent(event);
    announcer.tell(event, model.names, performance.now());
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
  await speakFor(null);
  byId("window").addEventListener("change", (event) => {
    model.window_s = Number(event.target.value);
    curve.drawnAt_ms = -Infinity;
    schedule();
  });
  const repaint = () => {
    forgetPalette();
    curve.repaint();
    schedule();
  };
  watchScheme(repaint);
  watchDialogs();
  watchModes(schedule);
  whenResized(schedule);
  window.addEventListener("resize", repaint);
  document.addEventListener("visibilitychange", schedule);
  window.setInterval(drawAge, AGE_EVERY_MS);
  await introduce();
  const connected = (now) => {
    model.connected = now;
    schedule();
  };
  follow(inTurn(handlers), connected, () => model.room?.phase === "running");
  schedule();
}

await begin();
