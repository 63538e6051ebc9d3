/** The line over the box that says what the app is doing just now. */
import { fill, h } from "./dom.js";
import { state } from "./store.js";

const lines = new Map();
const STALE_MS = 120_000;

/** A line for one conversation or thread: `{node, clear(message)}`. */
export function statusLine(channel, threadTs = "") {
  const node = h("div", { class: "status", role: "status", "aria-live": "polite" });
  const line = { node, timer: 0 };
  lines.set(`${channel}:${threadTs}`, line);
  return { node, clear: (message) => (message.bot_id || message.user === state.app.bot_user_id) && say(line, "") };
}

function say(line, text) {
  clearTimeout(line.timer);
  if (!text) return fill(line.node);
  line.timer = setTimeout(() => fill(line.node), STALE_MS);
  return fill(line.node, h("span", { class: "typing", "aria-hidden": "true" }, h("i"), h("i"), h("i")), `${state.app.name} ${text}`);
}

/** Shows what a status event says, when its place is open. */
export function statusHears({ channel, thread_ts: threadTs, text }) {
  const line = lines.get(`${channel}:${threadTs || ""}`) || lines.get(`${channel}:`);
  if (line?.node.isConnected) say(line, text);
}
