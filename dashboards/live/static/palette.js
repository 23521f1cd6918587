// How a state is painted: the expressions as colours (style.css), what is no expression as grey
// patterns, so that "can't tell" never looks like a result. Every band is labelled as well.

import { states } from "./words.js";

let colours = new Map();
let tiles = new Map();
/** Counts how often that was so. */
let age = 0;
/** What each canvas shows, so that nothing is painted twice. */
const painted = new WeakMap();

/** Forget colours and patterns: the colour scheme or the pixel ratio has changed. */
export function forgetPalette() {
  colours = new Map();
  tiles = new Map();
  age += 1;
}

/** A colour of style.css by its name without dashes, e.g. "ink". */
export function colour(name) {
  if (!colours.has(name)) {
    const value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    colours.set(name, value);
  }
  return colours.get(name);
}

const PATTERNS = {
  uncertain(pen, size) {
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift, size);
      pen.lineTo(shift + size, 0);
    }
  },
  too_small(pen, size) {
    for (const [x, y] of [[0.25, 0.25], [0.75, 0.75]]) {
      pen.moveTo(x * size - 0.2, y * size);
      pen.lineTo(x * size + 0.2, y * size);
    }
  },
  not_read(pen, size) {
    pen.moveTo(0, size / 2);
    pen.lineTo(size, size / 2);
  },
  unknown(pen, size) {
    pen.moveTo(size / 2, 0);
    pen.lineTo(size / 2, size);
  },
};

/** The colour of a state, by its number; none for what is painted as a pattern. */
export const stateColour = (state) => colour(`state-${states().indexOf(state)}`);

/** Whether a state is painted as a pattern (or, not in view, hardly at all). */
export const isPattern = (state) => !stateColour(state);

/** Fill a rectangle (CSS pixels) with what stands for the state. */
export function paintState(pen, state, x, y, width, height) {
  const plain = stateColour(state);
  if (plain) {
    pen.fillStyle = plain;
    pen.fillRect(x, y, width, height);
  } else if (state === "not_visible") {
    pen.fillStyle = colour("pattern");
    const middle = y + Math.round(height / 2) - 0.5;
    for (let dot = Math.ceil(x / 6) * 6; dot < x + width - 1; dot += 6) pen.fillRect(dot, middle, 2, 1);
  } else {
    pen.fillStyle = tile(pen, PATTERNS[state] ? state : "unknown");
    pen.fillRect(x, y, width, height);
  }
}

function tile(pen, state) {
  if (tiles.has(state)) return tiles.get(state);
  const ratio = window.devicePixelRatio || 1;
  const size = 8;
  const canvas = new OffscreenCanvas(Math.round(size * ratio), Math.round(size * ratio));
  const brush = canvas.getContext("2d");
  brush.scale(canvas.width / size, canvas.height / size);
  brush.strokeStyle = colour("pattern");
  brush.lineWidth = state === "too_small" ? 2 : 1.4;
  brush.lineCap = state === "too_small" ? "round" : "butt";
  brush.beginPath();
  PATTERNS[state](brush, size);
  brush.stroke();
  const pattern = pen.createPattern(canvas, "repeat");
  pattern.setTransform(new DOMMatrix().scale(size / canvas.width, size / canvas.height));
  tiles.set(state, pattern);
  return pattern;
}

/** Black or white, whichever reads better on a colour "#rrggbb" (WCAG relative luminance). */
export function inkOn(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

/** Sizes of canvases in CSS pixels, kept by an observer: asking for one makes the browser lay out. */
const sizes = new WeakMap();
let onResized = () => {};
const sizer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    if (target.isConnected) sizes.set(target, { width: contentRect.width, height: contentRect.height });
    else sizer.unobserve(target);
  }
  onResized();
});

/** `call` is called when a canvas has another size and has to be painted anew. */
export function whenResized(call) {
  onResized = call;
}

function sizeOf(canvas) {
  if (!sizes.has(canvas)) {
    sizes.set(canvas, { width: canvas.clientWidth, height: canvas.clientHeight });
    sizer.observe(canvas);
  }
  return sizes.get(canvas);
}

/** Whether a canvas doesn't show yet what `what` stands for, at its present size and colours. */
export function isNew(canvas, what) {
  const { width, height } = sizeOf(canvas);
  const wanted = `${what}|${width}x${height}|${window.devicePixelRatio}|${age}`;
  if (painted.get(canvas) === wanted) return false;
  painted.set(canvas, wanted);
  return true;
}

/** Size a canvas to its place on the page; returns {pen, width, height} in CSS pixels, cleared. */
export function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = sizeOf(canvas);
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/** Paint a whole small canvas with one state: a swatch, or a part of the room's bar. */
export function paintSwatch(canvas, state) {
  if (!isNew(canvas, state)) return;
  const { pen, width, height } = prepare(canvas);
  if (width === 0) return; // Hidden: there is nothing to paint on.
  pen.fillStyle = colour("track");
  pen.fillRect(0, 0, width, height);
  paintState(pen, state, 0, 0, width, height);
}
