/** The thread at the right: its root, its replies, and a box to answer in. */
import { whyNot } from "./api.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { MessageList } from "./list.js";
import { statusLine } from "./status.js";
import { channelName, emit, state } from "./store.js";

const root = () => document.getElementById("thread");
let pane = null;

/** Opens a thread; `reveal` is a reply to jump to. */
export async function openThread({ channel, ts, reveal = "", focus = true }) {
  state.thread = { channel, ts };
  const talk = new Conversation(channel, ts);
  const answer = await talk.load();
  if (state.thread?.ts !== ts) return false;
  const list = new MessageList({ label: "Thread", inThread: true });
  const composer = new Composer({ channel, threadTs: ts, name: "Reply…", notice: (text) => notice(talk, text), sent: () => list.toEnd() });
  const status = statusLine(channel, ts);
  pane = { talk, list, composer, status };
  const where = state.channels.get(channel);
  fill(root(), h("header", { class: "pane-head" }, h("h2", {}, "Thread"), h("span", { class: "dim" }, where?.kind === "dm" ? channelName(where) : `#${channelName(where)}`),
    h("button", { type: "button", class: "icon-button", "aria-label": "Close thread", onclick: closeThread }, icon("close"))),
  answer.ok ? list.node : h("p", { class: "empty" }, whyNot(answer)), status.node, composer.node);
  root().hidden = false;
  document.body.classList.add("has-thread");
  list.open(channel, talk.all());
  if (reveal && list.reveal(reveal)) return true;
  if (focus) composer.input.focus();
  return !reveal;
}

function notice(talk, text) {
  talk.notice(text);
  pane?.list.show(talk.all());
  pane?.list.arrived(true);
}

/** Closes the thread and gives the focus back to its message. */
export function closeThread() {
  const was = state.thread;
  state.thread = null;
  pane = null;
  root().hidden = true;
  root().replaceChildren();
  document.body.classList.remove("has-thread");
  if (was) emit("thread-closed", was);
}

/** Takes a live event that may belong to the open thread. */
export function threadHears(type, channel, message) {
  if (!pane || channel !== pane.talk.channel || !pane.talk.take(type, message)) return;
  pane.list.show(pane.talk.all());
  if (type === "message") pane.list.arrived(message.user === state.me.id);
  if (type === "message") pane.status.clear(message);
}

/** Fetches the open thread again, after a lost connection. */
export async function refreshThread() {
  if (!pane) return;
  const { talk, list } = pane;
  await talk.load();
  if (pane?.talk === talk) list.show(talk.all());
}
