// The speaker's three signs: how the room changed, who turned, how much of it could be read.

import { byId, make, makeSilent, setAttribute, setText, shortened } from "./dom.js";
import { bannerText, titleOf } from "./head.js";
import { leave } from "./modes.js";
import { readableSign, roomSign, turnedSign } from "./signs.js";
import { duration, lookOf, percent, say } from "./words.js";

/** Letters of a name: a sign holds two of them on two lines. */
const LONGEST = 14;

const CHANGES = {
  more: () => [say("sign_more"), "up"],
  less: () => [say("sign_less"), "down"],
  same: () => [say("sign_same"), "level"],
  cant_tell: () => [say("cant_tell"), "none"],
};

export class Speaker {
  constructor() {
    this.signs = null;
  }

  draw(view) {
    this.signs ??= build();
    const [title, room, turned, readable] = this.signs;
    setText(title, titleOf(view.room));
    const wrong = bannerText(view);
    const sign = roomSign(view);
    const [told, glyph] = CHANGES[sign.told]();
    const rests = sign.n > 0 ? say("sign_room_rests", { n: sign.n }) : wrong || say("sign_room_unknown");
    fill(room, glyph, say("sign_room"), told, rests);
    fillTurned(turned, view, wrong);
    fillReadable(readable, view, wrong);
    setText(byId("speaker").querySelector(".leave"), say("leave"));
  }
}

function fillTurned(sign, view, wrong) {
  const turned = turnedSign(view);
  if (turned === null) {
    fill(sign, "none", say("sign_turned"), say("cant_tell"), wrong || say("sign_turned_unknown"));
    return;
  }
  const names = turned.map(({ person }) => shortened(view.nameOf(person), LONGEST)).join(", ");
  const looks = turned.map(({ person, since_s }) =>
    say("look_for", { label: lookOf(person.look), duration: duration(view.room.time_s - since_s) }),
  );
  const glyph = turned.length > 0 ? "mark" : "none";
  fill(sign, glyph, say("sign_turned"), names || say("sign_nobody"), looks.join(" · "));
}

function fillReadable(sign, view, wrong) {
  const found = readableSign(view);
  if (found === null) {
    fill(sign, "none", say("sign_readable"), say("cant_tell"), wrong);
    return;
  }
  const rests = say(found.low ? "sign_readable_low" : "sign_readable_rests", found);
  fill(sign, found.low ? "low" : "ring", say("sign_readable"), percent(found.coverage), rests);
  sign.style.setProperty("--share", found.coverage.toFixed(2));
}

function fill(sign, glyph, heading, told, rests) {
  const [head, picture, big, small] = sign.children;
  setAttribute(picture, "data-glyph", glyph);
  setText(head, heading);
  setText(big, told);
  setText(small, rests);
}

function build() {
  const signs = [0, 1, 2].map(() => {
    const sign = make("section", "sign");
    sign.append(make("h2"), makeSilent("span", "glyph"), make("p", "told"), make("p", "rests"));
    return sign;
  });
  const button = make("button", "leave");
  button.type = "button";
  button.addEventListener("click", leave);
  const title = make("h1", "hidden-text");
  byId("speaker").append(title, ...signs, button);
  return [title, ...signs];
}
