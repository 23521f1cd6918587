// A tile per camera: its health in words, and where it sees people, as outlines.

import { byId, keepInStep, make, makeSilent, setStyle, setText, show } from "./dom.js";
import { setPill } from "./head.js";
import { drawOutlines, makeOutlines } from "./outlines.js";
import { dropWord, phaseWord, say, shortTime } from "./words.js";

export function drawCameras(view) {
  const cameras = view.room?.cameras ?? [];
  show(byId("cameras"), cameras.length > 0);
  keepInStep(byId("camera-list"), cameras, (camera) => camera.camera, cameraItem, (item, camera) =>
    updateCamera(item, camera, view),
  );
}

function cameraItem() {
  const item = make("li", "camera");
  const parts = {
    stage: makeSilent("div", "stage"), picture: make("canvas", "picture"), outlines: makeOutlines(),
    name: make("span", "camera-name"), pill: make("span", "pill"), trouble: make("div", "trouble"),
    facts: make("div", "small facts"), drops: make("div", "muted small drops"), source: make("div", "source"),
  };
  const head = make("div", "camera-head");
  head.append(parts.name, parts.pill);
  parts.picture.hidden = true;
  parts.stage.append(parts.picture, parts.outlines);
  item.append(head, parts.stage, parts.trouble, parts.facts, parts.drops, parts.source);
  item.parts = parts;
  return item;
}

function updateCamera(item, camera, view) {
  const { stage, outlines, name, pill, trouble, facts, drops, source } = item.parts;
  const phase = view.stale ? "stale" : camera.phase;
  setText(name, camera.camera);
  setPill(pill, phase, phaseWord(phase));
  show(stage, camera.width > 0 && !view.closed);
  setStyle(stage, "aspect-ratio", `${Math.max(1, camera.width)} / ${Math.max(1, camera.height)}`);
  drawOutlines(outlines, camera, view);
  show(trouble, camera.reason !== "");
  setText(trouble, camera.reason);
  setText(facts, cameraFacts(camera, view.stale).join(" · "));
  const lost = Object.entries(camera.dropped).filter(([, count]) => count > 0);
  const reasons = lost.map(([reason, count]) => `${count} ${dropWord(reason)}`).join(", ");
  setText(drops, reasons ? say("camera_dropped", { reasons }) : say("no_drops"));
  setText(source, camera.source);
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
