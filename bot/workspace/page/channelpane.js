/** The middle of the page: one conversation, or the app's Home tab. */
import { avatar } from "./avatar.js";
import { post, whyNot } from "./api.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { debounce, fill, h } from "./dom.js";
import { homePane } from "./home.js";
import { icon } from "./icons.js";
import { MessageList } from "./list.js";
import { statusLine } from "./status.js";
import { channelName, emit, isAppChannel, person, state } from "./store.js";
import { toast } from "./toast.js";
import { inviting, welcomeStrip } from "./welcome.js";

const root = () => document.getElementById("main");
let pane = null;

/** Shows a conversation; the app's own one may show its Home tab instead. */
export async function openChannel(id) {
  const channel = state.channels.get(id);
  state.channel = id;
  document.title = `${channel.unread ? "● " : ""}${channelName(channel)} · ${state.team.name}`;
  const talk = new Conversation(id);
  const answer = await talk.load();
  if (state.channel !== id) return;
  const unread = channel.unread || 0;
  const name = channel.kind === "dm" ? `Message ${channelName(channel)}` : `Message #${channel.name}`;
  const list = new MessageList({ label: `Messages in ${channelName(channel)}`, onBottom: () => markRead(id), intro: () => intro(channel) });
  const composer = new Composer({ channel: id, name, main: true, notice: (text) => notice(talk, text), sent: () => list.toEnd() });
  const status = statusLine(id);
  pane = { talk, list, composer, status, channel };
  draw(channel, answer);
  list.open(id, talk.all(), unread);
  if (unread) markRead(id);
  if (!answer.ok) toast(whyNot(answer), "error");
  if (matchMedia("(pointer: fine)").matches && !document.querySelector("dialog[open]")) composer.input.focus({ preventScroll: true });
}

function draw(channel) {
  const messages = [pane.list.node, pane.status.node, pane.composer.node];
  const isHome = isAppChannel(channel) && state.tab === "home";
  fill(root(), head(channel), isAppChannel(channel) && tabs(), isHome ? homePane() : [welcomeStrip(), messages]);
}

/** Draws the pane again around the same messages: when the app connects or the tab changes. */
export function redrawPane() {
  if (!pane) return;
  draw(pane.channel);
  pane.list.toEnd();
}

function head(channel) {
  const isDm = channel.kind === "dm";
  const who = isDm && person(channel.with);
  const lead = isDm ? avatar({ ...who, isApp: isAppChannel(channel) }, 26) : icon(channel.is_private ? "lock" : "hash", 20);
  const members = !isDm && channel.members?.length;
  return h("header", { class: "pane-head" }, lead, h("h1", {}, channelName(channel)), h("span", { class: "dim pane-topic" }, isDm ? who.title || "" : channel.topic || ""),
    members ? h("span", { class: "pane-members", title: channel.members.map((id) => person(id).real_name).join(", ") }, icon("people", 16), String(members), h("span", { class: "sr-only" }, " members")) : null);
}

function tabs() {
  const tab = (id, label) => h("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-selected": String(state.tab === id), "aria-controls": `panel-${id}`, tabindex: state.tab === id ? "0" : "-1", class: "tab", onclick: () => turn(id) }, label);
  const turn = (id, focus) => {
    state.tab = id;
    redrawPane();
    if (focus) document.getElementById(`tab-${id}`)?.focus();
  };
  return h("div", { class: "tabs", role: "tablist", "aria-label": state.app.name, onkeydown: (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") turn(state.tab === "home" ? "messages" : "home", true);
  } }, tab("home", "Home"), tab("messages", "Messages"));
}

function intro(channel) {
  if (isAppChannel(channel)) return introWords(avatar({ isApp: true }, 48), state.app.name, "Ask in your own words, or start with / to see what it can run. Only you and the app see this conversation.");
  if (channel.kind === "dm") {
    const mine = channel.with === state.me.id;
    return introWords(avatar(person(channel.with), 48), channelName(channel), mine ? "A place of your own: drafts, notes, things to try." : `This is the start of your conversation with ${person(channel.with).real_name}.`);
  }
  const kind = channel.is_private ? "Only its members can see it." : "Everyone in the workspace can see it.";
  return introWords(icon(channel.is_private ? "lock" : "hash", 34), channel.name, `${channel.topic ? `${channel.topic}. ` : ""}This is the very beginning. ${kind}`);
}

function introWords(lead, title, text) {
  const [first] = inviting();
  return [h("div", { class: "intro-mark" }, lead), h("h2", {}, title), h("p", {}, text),
    first && h("p", { class: "dim" }, "Type ", h("button", { type: "button", class: "link-button", onclick: () => emit("compose", "/") }, h("code", {}, "/")), ` to see the commands, for example `, h("code", {}, first.command), ".")];
}

function notice(talk, text) {
  talk.notice(text);
  if (pane?.talk !== talk) return;
  pane.list.show(talk.all());
  pane.list.arrived(true);
}

const tellRead = debounce((id) => post("read", { channel: id }), 250);

function markRead(id) {
  const channel = state.channels.get(id);
  if (document.hidden || !channel) return;
  const had = channel.unread;
  channel.unread = 0;
  tellRead(id);
  if (had) emit("badges");
}

/** Takes a live event for the open conversation; answers whether it belongs here. */
export function channelHears(type, channel, message) {
  if (!pane || channel !== pane.talk.channel) return false;
  const { talk, list, status } = pane;
  if (!talk.take(type, message)) return true;
  list.show(talk.all());
  if (type === "message") {
    list.arrived(message.user === state.me.id);
    status.clear(message);
    if (list.atEnd && state.tab !== "home") markRead(channel);
  }
  return true;
}

/** Fetches the conversation again: after a lost connection, and when a reply changed its root. */
export async function refreshChannel() {
  if (!pane) return;
  const { talk, list } = pane;
  await talk.load();
  if (pane.talk === talk) list.show(talk.all());
}

/** Jumps to a message here; false when it is not here. */
export function revealHere(ts) {
  return Boolean(pane?.list.reveal(ts));
}

/** Puts a text into the box. */
export function compose(text) {
  if (state.tab === "home" && isAppChannel(pane?.channel)) {
    state.tab = "messages";
    redrawPane();
  }
  pane?.composer.put(text);
}

/** Puts the focus into the box. */
export const focusComposer = () => pane?.composer.input.focus();
