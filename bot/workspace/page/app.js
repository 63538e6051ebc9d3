/** Starts the page: who one is, where one looks, and what the server pushes. */
import { get, live, post, whyNot } from "./api.js";
import { channelHears, compose, focusComposer, openChannel, redrawPane, refreshChannel, revealHere } from "./channelpane.js";
import { announce, debounce, fill, h, hashOf, placeOf } from "./dom.js";
import { takeHome } from "./home.js";
import { closePopup } from "./popup.js";
import { drawSidebar } from "./sidebar.js";
import { statusHears } from "./status.js";
import { authorOf, isAppChannel, memory, on, state, takeState } from "./store.js";
import { openSwitcher } from "./switcher.js";
import { closeThread, openThread, refreshThread, threadHears } from "./threadpane.js";
import { toast } from "./toast.js";
import { drawTopbar } from "./topbar.js";
import { closeView, closeViews, openView, updateView } from "./views.js";
import { drawInvitation } from "./welcome.js";

let hangUp = () => {};

async function become(id) {
  const answer = await get("state", {}, id);
  if (!answer.ok) return trouble(answer);
  hangUp();
  closeViews();
  if (state.thread) closeThread();
  takeState(answer);
  sessionStorage.setItem("workspace.person", state.me.id);
  memory.set("person", state.me.id);
  state.channel = "";
  drawTopbar();
  drawSidebar();
  hangUp = live({ hear, again: refreshAll, changed: connection });
  announce(`You are ${state.me.real_name}`);
  return follow();
}

function trouble(answer) {
  fill(document.getElementById("main"), h("div", { class: "loading" }, h("p", {}, whyNot(answer)), h("button", { type: "button", class: "button", onclick: () => location.reload() }, "Try again")));
}

function startPerson() {
  return new URLSearchParams(location.search).get("person") || sessionStorage.getItem("workspace.person") || memory.get("person") || "";
}

/** Goes where the address says: a conversation, a message in it, a reply in its thread. */
async function follow() {
  const place = placeOf(location.href);
  const known = place && state.channels.has(place.channel);
  if (place && !known) toast(`${state.me.real_name} cannot see that conversation.`);
  const channel = known ? place.channel : state.channel || firstChannel();
  if (!channel) return;
  if (known && place.ts) state.tab = "messages";
  if (state.channel !== channel) {
    if (state.thread && state.thread.channel !== channel) closeThread();
    await openChannel(channel);
  } else if (known && place.ts && isAppChannel(state.channels.get(channel))) redrawPane();
  drawSidebar();
  if (known && place.ts) await reveal(place);
}

function firstChannel() {
  const kept = memory.get(`place.${state.me.id}`);
  return state.channels.has(kept) ? kept : (state.channels.keys().next().value ?? "");
}

async function reveal({ channel, ts, threadTs }) {
  if (!threadTs && revealHere(ts)) return;
  const found = await openThread({ channel, ts: threadTs || ts, reveal: ts });
  if (!found) toast("That message is not here any more.");
}

function go(place) {
  const hash = hashOf(place);
  if (location.pathname !== "/") history.replaceState(null, "", `/${location.search}${hash}`);
  if (location.hash === hash) follow();
  else location.hash = hash;
}

async function openDm(id) {
  const known = [...state.channels.values()].find((channel) => channel.kind === "dm" && channel.with === id);
  if (known) return go({ channel: known.id });
  const answer = await post("open_dm", { with: id });
  if (!answer.ok) return toast(whyNot(answer), "error");
  await reloadState();
  return go({ channel: answer.channel?.id || answer.channel });
}

async function reloadState() {
  const answer = await get("state");
  if (!answer.ok) return;
  takeState(answer);
  const here = state.channels.get(state.channel);
  if (here) here.unread = 0;
  drawSidebar();
}

async function refreshAll() {
  await reloadState();
  await refreshChannel();
  await refreshThread();
}

function connection(isUp) {
  document.body.classList.toggle("offline", !isUp);
  if (!isUp) toast("The connection to the workspace was lost. Trying again…", "error");
}

const refreshSoon = debounce(refreshChannel, 120);

function hearMessage({ type, channel, message }) {
  const here = channelHears(type, channel, message);
  threadHears(type, channel, message);
  const isReply = message.thread_ts && message.thread_ts !== message.ts;
  if (isReply && here && type !== "message_changed") refreshSoon(); // its root counts its replies
  if (type !== "message") return;
  const mine = message.user === state.me.id;
  if (!mine) announce(`${authorOf(message).name}: ${message.text || "new message"}`);
  if (here || mine || (isReply && !message.is_ephemeral)) return;
  const known = state.channels.get(channel);
  if (!known) return void reloadState();
  known.unread = (known.unread || 0) + 1;
  drawSidebar();
}

const HEARD = {
  message: hearMessage,
  message_changed: hearMessage,
  message_deleted: hearMessage,
  view_opened: ({ view }) => {
    closeViews(); // a new stack takes the place of the old one
    openView(view);
  },
  view_pushed: ({ view }) => openView(view),
  view_updated: ({ view }) => updateView(view),
  view_closed: ({ view_id: id }) => closeView(id),
  home: ({ view }) => takeHome(view),
  toast: ({ level, text }) => toast(text, level),
  channels: () => reloadState(),
  app: ({ connected }) => {
    state.app.connected = connected;
    drawSidebar();
    drawInvitation();
    if (connected) reloadState().then(() => state.tab === "home" && redrawPane());
  },
  status: statusHears,
};

function hear(event) {
  HEARD[event.type]?.(event);
}

function drawer(isOpen) {
  document.body.classList.toggle("drawer-open", isOpen);
  document.getElementById("scrim").hidden = !isOpen;
  if (isOpen) document.querySelector(".side-item.current, .side-item")?.focus();
}

function keys(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    closePopup();
    openSwitcher();
  } else if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) {
    if (document.body.classList.contains("drawer-open")) drawer(false);
    else if (state.thread && document.getElementById("thread").contains(document.activeElement)) closeThread();
  }
}

function clicks(event) {
  const mention = event.target.closest("[data-person]");
  if (mention && state.people.has(mention.dataset.person)) openDm(mention.dataset.person);
  const link = event.target.closest("a[href^='#/']");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const place = placeOf(link.href);
  if (place) go(place);
}

on("become", become);
on("drawer", drawer);
on("switcher", openSwitcher);
on("open-dm", openDm);
on("go", go);
on("compose", compose);
on("badges", drawSidebar);
on("open-thread", openThread);
on("thread-closed", ({ ts }) => {
  const row = document.querySelector(`.row[data-ts="${CSS.escape(ts)}"]`);
  if (row) row.focus({ preventScroll: true });
  else focusComposer();
});
addEventListener("hashchange", () => {
  memory.set(`place.${state.me.id}`, placeOf(location.href)?.channel || "");
  follow();
});
document.addEventListener("keydown", keys);
document.addEventListener("click", clicks);
document.getElementById("scrim").addEventListener("click", () => drawer(false));
document.querySelector("[data-skip]").addEventListener("click", (event) => {
  event.preventDefault();
  focusComposer();
});
become(startPerson());
