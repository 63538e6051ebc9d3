/** The sidebar: channels, people, the app and whether it is connected. */
import { avatar } from "./avatar.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { roveKeys } from "./popup.js";
import { channelName, emit, isAppChannel, state } from "./store.js";

const root = () => document.getElementById("sidebar");

function badge(channel) {
  if (!channel?.unread) return null;
  return h("span", { class: "badge", "aria-label": `${channel.unread} unread` }, channel.unread > 99 ? "99+" : String(channel.unread));
}

function entry({ channel, lead, name, act, note = null }) {
  const current = channel && channel.id === state.channel;
  return h("li", {}, h("a", {
    class: `side-item${current ? " current" : ""}${channel?.unread ? " unread" : ""}`, href: channel ? `#/${channel.id}` : "#", "aria-current": current ? "page" : null,
    onclick: (event) => {
      emit("drawer", false);
      if (!act) return;
      event.preventDefault();
      act();
    },
  }, lead, h("span", { class: "side-name" }, name), note, badge(channel)));
}

function section(title, entries) {
  const list = h("ul", {}, entries);
  list.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") roveKeys(event, [...root().querySelectorAll(".side-item")]);
  });
  return h("section", { class: "side-section", "aria-label": title }, h("h2", {}, title), list);
}

function people(dms) {
  const byPerson = new Map(dms.map((channel) => [channel.with, channel]));
  const shown = [...state.people.values()].filter((who) => !who.is_bot || byPerson.has(who.id)).filter((who) => who.id !== state.app.bot_user_id);
  shown.sort((left, right) => Number(right.id === state.me.id) - Number(left.id === state.me.id));
  return shown.map((who) => {
    const channel = byPerson.get(who.id);
    const name = who.real_name + (who.id === state.me.id ? " (you)" : "");
    return entry({ channel, lead: avatar(who, 20), name, act: channel ? null : () => emit("open-dm", who.id) });
  });
}

function appEntry(dms) {
  const channel = dms.find(isAppChannel);
  const dot = h("span", { class: `dot${state.app.connected ? " on" : ""}`, role: "img", "aria-label": state.app.connected ? "connected" : "not connected" });
  return entry({ channel, lead: avatar({ isApp: true, name: state.app.name }, 20), name: state.app.name, note: dot, act: channel ? null : () => emit("open-dm", state.app.bot_user_id) });
}

/** Draws the sidebar from the store; the focus stays where it was. */
export function drawSidebar() {
  const focused = document.activeElement?.closest?.(".side-item")?.getAttribute("href");
  const all = [...state.channels.values()];
  const channels = all.filter((channel) => channel.kind !== "dm");
  const dms = all.filter((channel) => channel.kind === "dm");
  const top = root().querySelector(".side-scroll")?.scrollTop || 0;
  fill(root(),
    h("div", { class: "side-head" }, h("span", { class: "team-mark", "aria-hidden": "true" }, [...(state.team.name || "W")][0]), h("div", {}, h("strong", {}, state.team.name), h("small", {}, "Local workspace"))),
    h("div", { class: "side-scroll" },
      section("Channels", channels.map((channel) => entry({ channel, lead: icon(channel.is_private ? "lock" : "hash"), name: channelName(channel) }))),
      section("Direct messages", people(dms)),
      section("Apps", [appEntry(dms)])),
    connection());
  root().querySelector(".side-scroll").scrollTop = top;
  if (focused) root().querySelector(`.side-item[href="${CSS.escape(focused)}"]`)?.focus();
}

function connection() {
  const { connected, name } = state.app;
  return h("div", { class: `side-foot${connected ? " on" : ""}`, role: "status" }, h("span", { class: `dot${connected ? " on" : ""}`, "aria-hidden": "true" }),
    h("span", {}, connected ? `${name} is connected` : `${name} is not connected`));
}
