// The cameras' pictures behind their outlines: only where the server gives any, only when asked
// for, and only while they can be seen.

import { picture } from "./api.js";
import { byId, setText, show } from "./dom.js";
import { say } from "./words.js";

const EVERY_MS = 1000;

export class Pictures {
  constructor() {
    this.inSight = new Set();
    this.timer = 0;
    this.seer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        this.inSight[isIntersecting ? "add" : "delete"](target);
      }
    });
    byId("pictures").addEventListener("change", (event) => this.#switch(event.target.checked));
  }

  /** `pictures`: what the server gives, "off", "blurred" or "plain". */
  offer(pictures) {
    show(byId("pictures-row"), pictures !== "off");
    setText(byId("pictures-word"), say(pictures === "blurred" ? "pictures_blurred" : "pictures_plain"));
    if (pictures === "off") this.#switch(false);
  }

  #switch(on) {
    window.clearTimeout(this.timer);
    this.timer = 0;
    byId("pictures").checked = on;
    if (on) {
      this.#turn();
      return;
    }
    this.seer.disconnect();
    this.inSight.clear();
    for (const canvas of document.querySelectorAll(".picture")) {
      canvas.hidden = true;
      canvas.width = canvas.height = 1;
    }
  }

  async #turn() {
    const began = performance.now();
    for (const item of byId("camera-list").children) this.seer.observe(item);
    if (!document.hidden) await Promise.all([...this.inSight].map((item) => this.#fetch(item)));
    if (!byId("pictures").checked) return;
    this.timer = window.setTimeout(() => this.#turn(), Math.max(0, EVERY_MS - (performance.now() - began)));
  }

  async #fetch(item) {
    if (!item.isConnected) {
      this.seer.unobserve(item);
      this.inSight.delete(item);
      return;
    }
    const found = await picture(item.dataset.key);
    const canvas = item.querySelector(".picture");
    show(canvas, found !== null && byId("pictures").checked);
    if (found === null || !byId("pictures").checked) {
      found?.close();
      return;
    }
    if (canvas.width !== found.width || canvas.height !== found.height) {
      canvas.width = found.width;
      canvas.height = found.height;
    }
    canvas.getContext("2d").drawImage(found, 0, 0);
    found.close();
  }
}
