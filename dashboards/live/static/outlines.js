// Where a camera sees people: a frame with a name around each face, in the picture's own pixels.

import { keepInStep, setAttribute, setText, shortened } from "./dom.js";
import { colour, stateColour } from "./palette.js";

const SVG = "http://www.w3.org/2000/svg";
/** Letters are this share of the picture's width high. */
const LETTERS = 1 / 26;

/** Letters of a name: more would run into the neighbour's. */
const LONGEST = 14;

const draw = (tag) => document.createElementNS(SVG, tag);

export function makeOutlines() {
  const svg = draw("svg");
  svg.classList.add("outlines");
  return svg;
}

/** Draw everybody whom this camera sees best, where they were last seen. */
export function drawOutlines(svg, camera, { room, stale, closed, keyOf, nameOf }) {
  setAttribute(svg, "viewBox", `0 0 ${Math.max(1, camera.width)} ${Math.max(1, camera.height)}`);
  const here = (person) => person.visible && person.camera === camera.camera;
  const people = stale || closed ? [] : room.people.filter(here);
  keepInStep(svg, people, keyOf, makeOutline, (group, person) => update(group, person, camera, nameOf(person)));
}

function makeOutline() {
  const group = draw("g");
  const box = draw("rect");
  box.setAttribute("rx", "6");
  group.append(box, draw("text"));
  return group;
}

function update(group, person, camera, name) {
  const [box, text] = group.children;
  const [x, y, width, height] = person.box.map((value) => Math.round(value));
  const letters = Math.round(camera.width * LETTERS);
  const above = y > letters * 1.4;
  for (const [attribute, value] of Object.entries({ x, y, width, height })) setAttribute(box, attribute, String(value));
  const plain = stateColour(person.state);
  setAttribute(box, "stroke", plain || colour("pattern"));
  setAttribute(box, "stroke-dasharray", plain ? "none" : "6 5");
  setAttribute(text, "x", String(x));
  setAttribute(text, "y", String(above ? y - Math.round(letters * 0.35) : y + height + letters));
  setAttribute(text, "font-size", String(letters));
  setText(text, shortened(name, LONGEST));
}
