// What can be done about one person: give a name, merge with another, split from a camera's view.

import { ask } from "./api.js";
import { byId, make, setText, show } from "./dom.js";
import { answerText } from "./marks.js";
import { say } from "./words.js";

export class PersonDialog {
  constructor() {
    this.person = null;
    this.#listen("rename-form", () => {
      const name = byId("rename-text").value.trim();
      return [["PATCH", "", { name: name || null }], say("done_rename")];
    });
    this.#listen("merge-form", () => {
      const other = Number(byId("merge-other").value);
      return [["POST", "/merge", { other }], say("done_merge")];
    });
    this.#listen("split-form", () => {
      const camera = byId("split-camera").value;
      return [["POST", "/split", { camera }], say("done_split")];
    });
  }

  /** Open it for whoever has this key; nothing happens where they are gone. */
  open({ room, keyOf, nameOf }, key) {
    this.person = room?.people.find((person) => keyOf(person) === key) ?? null;
    if (this.person === null) return;
    const others = room.people.filter((person) => keyOf(person) !== key);
    setText(byId("person-heading"), nameOf(this.person));
    byId("rename-text").value = this.person.name ?? "";
    fill(byId("merge-other"), others.map((other) => [String(other.slot), nameOf(other)]));
    const cameras = this.person.cameras.length > 0 ? this.person.cameras : [this.person.camera];
    fill(byId("split-camera"), cameras.map((camera) => [camera, camera]));
    show(byId("merge-form"), others.length > 0);
    setText(byId("person-answer"), "");
    byId("person-dialog").showModal();
  }

  #listen(form, request) {
    byId(form).addEventListener("submit", async (event) => {
      event.preventDefault();
      const [[method, path, body], done] = request();
      const answer = await ask(method, `/people/${this.person.slot}${path}`, body);
      const text = answerText(answer, done);
      setText(byId("person-answer"), text);
      if (answer.done === false) return;
      byId("person-dialog").close();
      setText(byId("answer"), text);
    });
  }
}

function fill(select, options) {
  select.replaceChildren(
    ...options.map(([value, text]) => {
      const option = make("option", "", text);
      option.value = value;
      return option;
    }),
  );
}
