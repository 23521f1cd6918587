// The wall: the room from across the room. Every letter is at least 5 % of the screen's height.

import { byId, keepInStep, make, makeSilent, setText, show } from "./dom.js";
import { drawMixBar, drawMixList, drawTrack, makeTrack, mixOf, toldMeasure } from "./gauge.js";
import { bannerText, phaseOf, setPill, titleOf } from "./head.js";
import { leave } from "./modes.js";
import { paintSwatch } from "./palette.js";
import { toldNow } from "./told.js";
import { gaugeScale, percent, say } from "./words.js";

/** More people than this would be names in a row, which tells nobody anything from afar. */
const MOST_NAMED = 8;

export class Wall {
  constructor() {
    this.parts = null;
  }

  draw(view) {
    const parts = (this.parts ??= build());
    const { room } = view;
    const visible = room?.people.filter((person) => person.visible) ?? [];
    const wrong = bannerText(view);
    setText(parts.title, titleOf(room));
    show(parts.pill, room !== null);
    if (room !== null) setPill(parts.pill, phaseOf(view).phase, phaseOf(view).word);
    show(parts.wrong, wrong !== "");
    setText(parts.wrong, wrong);
    drawWallMix(parts, view, visible.length);
    drawWallGauge(parts, view);
    const named = visible.length > 0 && visible.length <= MOST_NAMED && !view.closed && !view.stale ? visible : [];
    keepInStep(parts.people, named, view.keyOf, personItem, (item, person) => updatePerson(item, person, view));
    setText(parts.readable, view.stale || room?.coverage == null ? "" : say("wall_readable", { percent: percent(room.coverage) }));
    setText(parts.honesty, say("honesty"));
    setText(parts.leave, say("leave"));
  }
}

/** Who looks how at this moment; of a session that is over there is none. */
function drawWallMix({ bar, list }, { room, stale, closed }, visible) {
  const shares = stale || closed ? [] : mixOf(room);
  const none = stale || room === null ? say("measure_stale") : say("mix_empty");
  drawMixBar(bar, shares);
  drawMixList(list, shares.length > 4 ? largest(shares, 4) : shares, visible, none);
  show(list, !closed);
}

/** The largest shares, still in their order. */
function largest(shares, most) {
  const kept = new Set([...shares].sort(([, a], [, b]) => b - a).slice(0, most));
  return shares.filter((share) => kept.has(share));
}

function drawWallGauge({ gauge, track }, { room, stale, closed }) {
  const scale = gaugeScale();
  const told = room !== null && scale !== null && !stale && !closed;
  show(gauge, told);
  show(track, told);
  if (!told) return;
  const measure = room.measures[scale.measure];
  drawTrack(track, typeof measure?.value === "number" ? measure : null, scale);
  setText(gauge, toldMeasure(scale.measure, measure, "wall"));
}

function build() {
  const parts = {
    title: make("h1"), pill: make("span", "pill"), wrong: make("p", "banner"), bar: makeSilent("div", "mix-bar"),
    list: make("ul", "mix-list"), gauge: make("p", "wall-gauge"), track: makeTrack(), people: make("ul", "wall-people"),
    readable: make("p"), honesty: make("p", "muted"), leave: make("button", "leave"),
  };
  const head = make("div", "wall-head");
  head.append(parts.title, parts.pill, parts.leave);
  parts.wrong.setAttribute("role", "status");
  parts.leave.type = "button";
  parts.leave.addEventListener("click", leave);
  const foot = make("div", "wall-foot");
  foot.append(parts.readable, parts.honesty);
  byId("wall").append(head, parts.wrong, parts.bar, parts.list, parts.gauge, parts.track, parts.people, foot);
  return parts;
}

function personItem() {
  const item = make("li");
  item.append(makeSilent("canvas", "swatch"), make("span", "name"), make("span", "readout"));
  return item;
}

function updatePerson(item, person, view) {
  const [swatch, name, readout] = item.children;
  const told = toldNow(person, view);
  paintSwatch(swatch, told.state);
  setText(name, view.nameOf(person));
  setText(readout, told.readout);
}
