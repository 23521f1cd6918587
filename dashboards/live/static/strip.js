// One person's last minutes as bands on a canvas, and the axis above them all.

import { colour, inkOn, isNew, isPattern, paintState, prepare, stateColour } from "./palette.js";
import { labelOf, stateAt } from "./words.js";

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
const TICK_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const TICK_ROOM_PX = 84;
/** A strip moves on in steps of this, s: smaller ones can hardly be seen. */
const DRAW_EVERY_S = 0.5;
/** Widths of labels, px: measuring text is dear, and there are few. */
const widths = new Map();

const across = (time_s, { from_s, span_s }, width) => ((time_s - from_s) / span_s) * width;

function widthOf(pen, label) {
  if (!widths.has(label)) widths.set(label, pen.measureText(label).width);
  return widths.get(label);
}

/** What a strip shows; its last half second may be as old as that, but not its last state. */
function signature({ spans, settled }, { from_s, span_s, latest_s }, cursor_s) {
  const last = spans.at(-1);
  const ends = [from_s, span_s, latest_s].map((time_s) => Math.round(time_s / DRAW_EVERY_S));
  return [...ends, settled, spans.length, last?.state, last?.start, cursor_s].join();
}

/**
 * Draw somebody's spans within a frame of time; `settled` counts how often any were put right,
 * `cursor_s` is the moment somebody reads, or null.
 */
export function drawStrip(canvas, { spans, settled }, frame, cursor_s) {
  if (!isNew(canvas, signature({ spans, settled }, frame, cursor_s))) return;
  const { pen, width, height } = prepare(canvas);
  pen.fillStyle = colour("track");
  pen.fillRect(0, 0, width, height);
  pen.font = FONT;
  pen.textBaseline = "middle";
  for (const span of spans) if (span.end >= frame.from_s) drawSpan(pen, span, frame, width, height);
  if (cursor_s !== null) {
    pen.fillStyle = colour("ink");
    pen.fillRect(Math.round(across(cursor_s, frame, width)) - 1, 0, 2, height);
  }
}

function drawSpan(pen, span, frame, width, height) {
  const left = Math.max(0, across(span.start, frame, width));
  const right = Math.min(width, Math.max(across(span.end, frame, width), left + 1));
  const state = stateAt(span.state);
  paintState(pen, state, left, 0, right - left, height);
  if (state === "not_visible") return;
  const label = labelOf(state);
  const room_px = widthOf(pen, label);
  if (right - left < room_px + 14) return;
  if (isPattern(state)) {
    pen.fillStyle = colour("track");
    pen.fillRect(left + 4, height / 2 - 8, room_px + 6, 16);
  }
  pen.fillStyle = isPattern(state) ? colour("ink") : inkOn(stateColour(state));
  pen.fillText(label, left + 7, height / 2 + 0.5);
}

/** The least step of the axis that leaves its labels room, s. */
export const tickStep = (span_s, width) =>
  TICK_STEPS_S.find((step) => step >= (TICK_ROOM_PX / Math.max(width, 1)) * span_s) ?? TICK_STEPS_S.at(-1);

/** Round times on the clock that is shown; `shift_s` is that clock's time at 0 s. */
export function ticksOf({ from_s, span_s }, step_s, shift_s) {
  const ticks = [];
  const first_s = Math.ceil((from_s + shift_s) / step_s) * step_s - shift_s;
  for (let time_s = first_s; time_s <= from_s + span_s; time_s += step_s) ticks.push(time_s);
  return ticks;
}

export function drawAxis(canvas, frame, { recording, room, clock }) {
  const from = Math.round(frame.from_s / DRAW_EVERY_S);
  if (!isNew(canvas, [from, frame.span_s, recording, room?.started_at].join())) return;
  const { pen, width, height } = prepare(canvas);
  const step_s = tickStep(frame.span_s, width);
  pen.font = FONT;
  pen.textBaseline = "top";
  for (const time_s of ticksOf(frame, step_s, recording ? 0 : (room?.started_at ?? 0) % step_s)) {
    const x = across(time_s, frame, width);
    pen.fillStyle = colour("line");
    pen.fillRect(Math.round(x), height - 5, 1, 5);
    pen.fillStyle = colour("muted");
    const label = clock(time_s);
    const half = pen.measureText(label).width / 2;
    pen.fillText(label, Math.min(Math.max(x - half, 0), width - half * 2), 0);
  }
}
