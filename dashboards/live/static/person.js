// What can be done about one person: give a name, merge with another, split from a camera's view.

import { ask } from "./api.js";
import { byId, make, setText, show } from "./dom.js";
import { answerText } from "./marks.js";
import { say } from "./words.js";

export class PersonDialog {
  /** `view` gives the model's newest. */
  constructor(view) {
    this.view = view;
    this.key = null;
    this.#listen("rename-form", () => {
      const name = byId("rename-text").value.trim();
      return [["PATCH", "", { name: name || null }], say("done_rename")];
    });
    this.#listen("merge-form", () => {
      const other = this.#find(Number(byId("merge-other").value));
      return other && [["POST", "/merge", { other: other.slot }], say("done_merge")];
    });
    this.#listen("split-form", () => {
      const camera = byId("split-camera").value;
      return [["POST", "/split", { camera }], say("done_split")];
    });
  }

  /** Who has this key now; null where they are gone: their slot may be somebody else's. */
  #find(key) {
    const { room, keyOf } = this.view();
    return room?.people.find((person) => keyOf(person) === key) ?? null;
  }

  /** Open it for whoever has this key; nothing happens where they are gone. */
  open(key) {
    const person = this.#find(key);
    if (person === null) return;
    this.key = key;
    const { room, keyOf, nameOf } = this.view();
    const others = room.people.filter((other) => keyOf(other) !== key);
    setText(byId("person-heading"), nameOf(person));
    byId("rename-text").value = person.name ?? "";
    fill(byId("merge-other"), others.map((other) => [String(keyOf(other)), nameOf(other)]));
    const cameras = person.cameras.length > 0 ? person.cameras : [person.camera];
    fill(byId("split-camera"), cameras.map((camera) => [camera, camera]));
    show(byId("merge-form"), others.length > 0);
    setText(byId("person-answer"), "");
    byId("person-dialog").showModal();
  }

  #listen(form, request) {
    byId(form).addEventListener("submit", async (event) => {
      event.preventDefault();
      const person = this.#find(this.key);
      const wanted = request();
      if (person === null || wanted === null) {
        setText(byId("person-answer"), say("person_gone"));
        return;
      }
      const [[method, path, body], done] = wanted;
      const answer = await ask(method, `/people/${person.slot}${path}`, body);
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
