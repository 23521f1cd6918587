// The room's curve over the time shown, with its interval and the marked moments (uPlot).

import { byId, make, setAttribute, setText, shortened } from "./dom.js";
import { frameOf } from "./frame.js";
import { colour } from "./palette.js";
import { tickStep, ticksOf } from "./strip.js";
import { figureOn, measureWord, say, scales } from "./words.js";

/** Between two drawings, ms: a measure over a minute doesn't change faster than can be seen. */
const DRAW_EVERY_MS = 1000;
const HEIGHT_PX = 190;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
/** Half of a time's label, px. */
const HALF_LABEL_PX = 30;
/** Lines of marked moments nearer to each other than this are drawn as one, px: they would hide the curve. */
const LINE_ROOM_PX = 5;
/** Labels of marked moments don't come nearer to each other than this, px. */
const LABEL_ROOM_PX = 8;

export class Curve {
  constructor() {
    this.plot = null;
    this.view = null;
    this.frame = { from_s: 0, span_s: 1, latest_s: 0 };
    this.drawnAt_ms = -Infinity;
    this.chosen = null;
    byId("curve-measure").addEventListener("change", (event) => {
      this.chosen = event.target.value;
      this.#begin();
    });
    new ResizeObserver(([entry]) => {
      this.plot?.setSize({ width: Math.max(1, Math.floor(entry.contentRect.width)), height: HEIGHT_PX });
    }).observe(byId("chart"));
  }

  /** The words have changed: what can be drawn may be others. */
  speak() {
    const select = byId("curve-measure");
    const options = scales().map(({ measure }) => {
      const option = make("option", "", measureWord("", measure));
      option.value = measure;
      return option;
    });
    select.replaceChildren(...options);
    if (!scales().some(({ measure }) => measure === this.chosen)) this.chosen = scales()[0]?.measure ?? null;
    select.value = this.chosen ?? "";
    this.#begin();
  }

  /** Colours are others. */
  repaint() {
    this.plot?.redraw();
  }

  draw(view, now_ms) {
    this.view = view;
    if (this.plot === null || now_ms - this.drawnAt_ms < DRAW_EVERY_MS) return;
    this.drawnAt_ms = now_ms;
    this.frame = frameOf(view);
    this.plot.setData(view.curves.since(this.chosen, this.frame.from_s), false);
    this.plot.setScale("x", { min: this.frame.from_s, max: this.frame.from_s + this.frame.span_s });
    this.#tell(this.plot.data[0].length - 1, "curve_now");
  }

  #begin() {
    this.plot?.destroy();
    this.plot = null;
    const scale = scales().find(({ measure }) => measure === this.chosen);
    if (scale === undefined) return;
    const width = Math.max(1, Math.floor(byId("chart").getBoundingClientRect().width));
    this.plot = new window.uPlot(this.#options(scale, width), [[], [], [], []], byId("chart"));
    this.drawnAt_ms = -Infinity;
    if (this.view !== null) this.draw(this.view, performance.now());
  }

  #options({ low, high }, width) {
    const edge = { stroke: () => colour("interval"), width: 1, points: { show: false } };
    const axis = { stroke: () => colour("muted"), font: FONT, ticks: { show: false } };
    const clock = (_, times) => times.map((time_s) => this.view.clock(time_s));
    const figures = (_, values) => values.map((value) => figureOn(this.chosen, value));
    const splits = low < 0 ? [low, low / 2, 0, high / 2, high] : [low, high / 2, high];
    return {
      width,
      height: HEIGHT_PX,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      scales: { x: { time: false }, y: { range: [low, high] } },
      axes: [
        { ...axis, size: 26, grid: { show: false }, splits: () => this.#ticks(), values: clock },
        { ...axis, size: 44, grid: { stroke: () => colour("line"), width: 1 }, splits: () => splits, values: figures },
      ],
      series: [
        {},
        { stroke: () => colour("accent"), width: 2.5, points: { show: false } },
        edge,
        edge,
      ],
      bands: [{ series: [3, 2], fill: () => colour("interval") }],
      hooks: { draw: [(plot) => this.#marks(plot)], setCursor: [(plot) => this.#point(plot)] },
      padding: [10, 12, 0, 0],
    };
  }

  #ticks() {
    const { recording, room } = this.view;
    const { from_s, span_s } = this.frame;
    const width = this.plot.bbox.width / window.devicePixelRatio;
    const step_s = tickStep(span_s, width);
    const ticks = ticksOf(this.frame, step_s, recording ? 0 : (room?.started_at ?? 0) % step_s);
    // A label at the very end would be cut, one at the beginning stand in the other axis' way.
    const margin_s = (HALF_LABEL_PX / Math.max(width, 1)) * span_s;
    return ticks.filter((time_s) => time_s >= from_s + margin_s && time_s <= from_s + span_s - margin_s);
  }

  /** Marked moments: a line each, named where there is room. */
  #marks({ ctx, bbox, valToPos }) {
    if (this.view === null) return;
    const ratio = window.devicePixelRatio || 1;
    ctx.save();
    ctx.font = FONT.replace("12px", `${12 * ratio}px`);
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    let [free, drawn] = [-Infinity, -Infinity];
    for (const { end_s, state } of this.view.marks) {
      if (end_s < this.frame.from_s) continue;
      const x = Math.round(valToPos(end_s, "x", true));
      if (x - drawn < LINE_ROOM_PX * ratio) continue;
      drawn = x;
      ctx.fillStyle = colour("pattern");
      ctx.fillRect(x, bbox.top, ratio, bbox.height);
      ctx.fillStyle = colour("muted");
      const label = shortened(state ?? "", 24);
      const width = ctx.measureText(label).width;
      if (x < free || x + width > bbox.left + bbox.width) continue;
      ctx.fillText(label, x + 4 * ratio, bbox.top + 2 * ratio);
      free = x + width + LABEL_ROOM_PX * ratio;
    }
    ctx.restore();
  }

  #point(plot) {
    const at = plot.cursor.idx;
    if (this.view === null) return;
    if (typeof at === "number") this.#tell(at, "curve_at");
    else this.#tell(plot.data[0].length - 1, "curve_now");
  }

  /** The value at a point in words, below the chart and for who can't see it. */
  #tell(at, key) {
    if (key === "curve_now" && typeof this.plot?.cursor.idx === "number") return;
    const [times, values, lows, highs] = this.plot?.data ?? [[], [], [], []];
    const label = measureWord("", this.chosen);
    const known = at >= 0 && typeof values[at] === "number";
    const figure = (value) => figureOn(this.chosen, value ?? values[at]);
    const figures = known && { value: figure(values[at]), low: figure(lows[at]), high: figure(highs[at]) };
    const time = at >= 0 ? this.view.clock(times[at]) : "";
    setText(byId("curve-told"), known ? say(key, { time, ...figures }) : say("curve_none"));
    const described = known ? say("curve_label", { label, ...figures }) : say("curve_label_none", { label });
    setAttribute(byId("chart"), "aria-label", described);
  }
}
