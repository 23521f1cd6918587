// What all of it rests on: how much could be read, how old it is, what was lost, who looked.

import { answers } from "./api.js";
import { byId, keepInStep, make, setAttribute, setText, show } from "./dom.js";
import { isReading } from "./head.js";
import { isOnPurpose, percent, say, shortTime } from "./words.js";

/** Whether an engine's model card is served, by engine: asked once. */
const served = new Map();

/** {lost, all}: frames that got lost, and all that were to be analysed. */
function framesOf(cameras) {
  const lost = cameras.flatMap(({ dropped }) => Object.entries(dropped)).filter(([reason]) => !isOnPurpose(reason));
  const count = lost.reduce((sum, [, frames]) => sum + frames, 0);
  return { lost: count, all: count + cameras.reduce((sum, { frames }) => sum + frames, 0) };
}

/** The figures; between messages only the data's age changes. */
export function drawFigures({ room, silent_s, stale }) {
  show(byId("figures"), isReading(room));
  if (room === null) return;
  const { cameras, people } = room;
  const visible = people.filter((person) => person.visible).length;
  const delivering = cameras.filter(({ phase }) => phase === "streaming");
  const { lost, all } = framesOf(cameras);
  const rate = cameras.reduce((sum, camera) => sum + camera.fps, 0);
  setText(byId("figure-people"), stale ? "–" : say("in_view_of", { visible, known: people.length }));
  setText(byId("figure-coverage"), stale || room.coverage === null ? "–" : percent(room.coverage));
  setText(byId("figure-lag"), shortTime(room.lag_s + silent_s));
  setText(byId("figure-rate"), stale ? "–" : rate.toFixed(1));
  setText(byId("figure-drops"), stale || all === 0 ? "–" : percent(lost / all));
  const delivered = say("in_view_of", { visible: delivering.length, known: cameras.length });
  setText(byId("figure-cameras"), stale ? "–" : delivered);
}

export function drawSeen({ room, names, stale }) {
  const known = names.size;
  show(byId("seen"), known > 0);
  const parts = [known === 1 ? say("seen_person") : say("seen_people", { known })];
  if (room !== null && room.coverage !== null && !stale) {
    const sentence = room.phase === "closed" ? "seen_coverage_closed" : "seen_coverage";
    parts.push(say(sentence, { percent: percent(room.coverage) }));
  }
  setText(byId("seen"), `${parts.join(" · ")}.`);
  show(byId("overflow"), (room?.overflow ?? 0) > 0);
  setText(byId("overflow"), say("overflow", { count: room?.overflow ?? 0 }));
}

/** Which networks read, and where it is written how well they do. */
export function drawEngines({ room }) {
  const engines = Object.entries(room?.engines ?? {});
  const silent = room !== null && room.phase !== "waiting" && !("expression" in room.engines);
  const list = engines.map(([engine, model]) => `${engine} ${model}`).join(", ");
  const parts = [silent ? say("no_expression") : "", engines.length > 0 ? say("reading_with", { engines: list }) : ""];
  setText(byId("engines"), parts.filter(Boolean).join(" "));
  for (const [engine] of engines) look(engine);
  const linked = engines.filter(([engine]) => served.get(engine) === true);
  show(byId("cards"), linked.length > 0);
  keepInStep(byId("cards"), linked, ([engine]) => engine, cardItem, ({ firstElementChild }, [engine]) => {
    setAttribute(firstElementChild, "href", addressOf(engine));
    setText(firstElementChild, say("card", { engine }));
  });
}

const addressOf = (engine) => `/cards/${encodeURIComponent(engine)}`;

function look(engine) {
  if (served.has(engine)) return;
  served.set(engine, false);
  answers(addressOf(engine)).then((there) => served.set(engine, there));
}

function cardItem() {
  const item = make("li");
  item.append(make("a"));
  return item;
}
