// The room's gauge: one figure with its interval on a scale, and what it rests on in words.

import { byId, keepInStep, make, makeSilent, setStyle, setText, show } from "./dom.js";
import { paintSwatch } from "./palette.js";
import { figureOn, gaugeScale, hasSentence, labelOf, measureWord, percent, say, states } from "./words.js";

/** Where a value stands on a scale, in % of its width. */
const place = (value, { low, high }) => ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * 100;

/**
 * A measure of the room in words: with its interval, or that too little was seen. `kind` is
 * "measure", or "wall", which names it as well.
 */
export function toldMeasure(name, measure, kind = "measure") {
  const known = typeof measure?.value === "number";
  const bounded = known && typeof measure.low === "number" && typeof measure.high === "number";
  const how = known ? (bounded ? "" : "_bare") : "_none";
  const n = measure?.n ?? 0;
  return say(`${kind}${how}`, {
    label: measureWord("", name),
    value: figureOn(name, measure?.value ?? 0),
    low: figureOn(name, measure?.low ?? 0),
    high: figureOn(name, measure?.high ?? 0),
    people: n === 1 ? say("people_one") : say("people_many", { n }),
    percent: percent(measure?.coverage ?? 0),
  });
}

export function drawGauge({ room, stale }) {
  const scale = gaugeScale();
  if (room === null || scale === null) return;
  const measure = room.measures[scale.measure];
  const known = !stale && typeof measure?.value === "number";
  setText(byId("gauge-name"), measureWord("", scale.measure));
  setText(byId("gauge-low"), hasSentence("gauge_low") ? say("gauge_low") : "");
  setText(byId("gauge-high"), hasSentence("gauge_high") ? say("gauge_high") : "");
  setText(byId("gauge-told"), stale ? say("measure_stale") : toldMeasure(scale.measure, measure));
  drawTrack(byId("gauge-track"), known ? measure : null, scale);
}

/** A gauge's track, for the page and the wall. */
export function makeTrack() {
  const track = makeSilent("div", "gauge-track");
  track.append(make("span", "gauge-zero"), make("span", "gauge-interval"), make("span", "gauge-needle"));
  return track;
}

/** Put needle and interval where a measure is; none of them where it is null. */
export function drawTrack(track, measure, scale) {
  const [zero, interval, needle] = track.children;
  show(zero, scale.low < 0);
  setStyle(zero, "left", `${place(0, scale)}%`);
  show(needle, measure !== null);
  show(interval, measure !== null && typeof measure.low === "number");
  if (measure === null) return;
  setStyle(needle, "left", `${place(measure.value, scale).toFixed(1)}%`);
  if (typeof measure.low !== "number") return;
  const [low, high] = [place(measure.low, scale), place(measure.high, scale)];
  setStyle(interval, "left", `${low.toFixed(1)}%`);
  setStyle(interval, "width", `${Math.max(0.5, high - low).toFixed(1)}%`);
}

/** The states that anybody visible is in, in their order: [state, share]. */
export function mixOf(room) {
  const order = states();
  return Object.entries(room?.shares ?? {})
    .filter(([, share]) => share > 0)
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
}

export function drawMixBar(bar, shares) {
  keepInStep(bar, shares, ([state]) => state, () => make("canvas"), (part, [state, share]) => {
    setStyle(part, "flex-grow", share.toFixed(4));
    paintSwatch(part, state);
  });
}

/** `none` is what is said where there are no shares. */
export function drawMixList(list, shares, visible, none = say("mix_empty")) {
  const listed = shares.length > 0 ? shares : [["nobody", 0]];
  keepInStep(list, listed, ([state]) => state, mixItem, (item, [state, share]) => {
    const [swatch, text] = item.children;
    show(swatch, state !== "nobody");
    if (state !== "nobody") paintSwatch(swatch, state);
    const words = { label: labelOf(state), count: Math.round(share * visible), percent: percent(share) };
    setText(text, state === "nobody" ? none : say("share", words));
  });
}

function mixItem() {
  const item = make("li");
  item.append(makeSilent("canvas", "swatch"), make("span"));
  return item;
}

export function drawMix({ room, stale }) {
  const shares = mixOf(room);
  setText(byId("mix-heading"), say(stale ? "mix_last" : "mix_now"));
  drawMixBar(byId("mix-bar"), shares);
  drawMixList(byId("mix-list"), shares, room?.people.filter((person) => person.visible).length ?? 0);
}
