// Starting, stopping and naming a session.

import { ask } from "./api.js";
import { byId, setText, show } from "./dom.js";
import { answerText } from "./marks.js";
import { say } from "./words.js";

/** What each of the three asks for; its words are `ask_<name>` and `ask_<name>_hint`. */
const ASKS = {
  start: { method: "POST", path: "/session", titled: true },
  stop: { method: "POST", path: "/session/stop", titled: false },
  title: { method: "PATCH", path: "/session", titled: true },
};
const WORDS = {
  start: () => [say("ask_start"), say("ask_start_hint"), say("session_start"), say("done_start")],
  stop: () => [say("ask_stop"), say("ask_stop_hint"), say("session_stop"), say("done_stop")],
  title: () => [say("ask_title"), say("ask_title_hint"), say("save"), say("done_title")],
};

export class Session {
  constructor() {
    this.title = "";
    this.wanted = null;
    for (const name of Object.keys(ASKS)) byId(`session-${name}`).addEventListener("click", () => this.#open(name));
    byId("session-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  /** Which of the three can be asked for now. */
  draw({ room }) {
    this.title = room?.title ?? "";
    const running = room?.phase === "running";
    show(byId("session-start"), !running);
    show(byId("session-stop"), running);
  }

  #open(name) {
    this.wanted = name;
    const [heading, hint, button] = WORDS[name]();
    setText(byId("session-heading"), heading);
    setText(byId("session-hint"), hint);
    setText(byId("session-do"), button);
    setText(byId("session-answer"), "");
    show(byId("session-row"), ASKS[name].titled);
    byId("session-text").required = name === "title";
    byId("session-text").value = name === "title" ? this.title : "";
    byId("session-dialog").showModal();
  }

  async #send() {
    const { method, path, titled } = ASKS[this.wanted];
    const done = WORDS[this.wanted]()[3];
    const title = byId("session-text").value.trim();
    const body = titled && (title || this.wanted === "title") ? { title } : {};
    const answer = await ask(method, path, this.wanted === "stop" ? undefined : body);
    const text = answerText(answer, done);
    if (answer.done === false) {
      setText(byId("session-answer"), text);
      return;
    }
    byId("session-dialog").close();
    setText(byId("answer"), text);
  }
}
