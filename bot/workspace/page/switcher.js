/** Ctrl+K: jump to a channel or a person by name. */
import { avatar } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { emit, state } from "./store.js";

function places() {
  const channels = [...state.channels.values()].filter((channel) => channel.kind !== "dm").map((channel) => ({
    name: channel.name, detail: channel.topic, lead: icon(channel.is_private ? "lock" : "hash"), go: () => emit("go", { channel: channel.id }), unread: channel.unread,
  }));
  const people = [...state.people.values()].map((who) => ({
    name: who.real_name, detail: who.title, lead: avatar(who, 24), go: () => emit("open-dm", who.id),
    unread: [...state.channels.values()].find((channel) => channel.with === who.id)?.unread,
  }));
  return [...channels, ...people].sort((left, right) => Number(Boolean(right.unread)) - Number(Boolean(left.unread)));
}

let box = null;

/** Opens the switcher. */
export function openSwitcher() {
  if (box || document.querySelector("dialog[open]")) return;
  const all = places();
  const list = h("ul", { class: "options switch-list", role: "listbox", id: "switch-list", "aria-label": "Places" });
  const input = h("input", { class: "input", type: "text", placeholder: "Where to?", "aria-label": "Jump to", role: "combobox", "aria-expanded": "true", "aria-controls": "switch-list", autocomplete: "off" });
  let shown = [];
  let at = 0;
  const point = (to) => {
    at = (to + shown.length) % (shown.length || 1);
    [...list.children].forEach((node, index) => node.classList.toggle("active", index === at));
    list.children[at]?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", shown.length ? `switch-${at}` : "");
  };
  const leave = () => {
    box.close();
    box = null;
  };
  const take = (place) => {
    leave();
    place.go();
  };
  const draw = () => {
    const wanted = input.value.trim().toLowerCase();
    shown = all.filter((place) => place.name.toLowerCase().includes(wanted)).sort((left, right) => Number(right.name.toLowerCase().startsWith(wanted)) - Number(left.name.toLowerCase().startsWith(wanted)));
    list.replaceChildren(...shown.map((place, index) => h("li", { class: "option", role: "option", id: `switch-${index}`, onclick: () => take(place) }, place.lead,
      h("span", { class: "menu-words" }, h("span", { class: "menu-label" }, place.name), place.detail && h("span", { class: "menu-detail" }, place.detail)), place.unread ? h("span", { class: "badge" }, String(place.unread)) : null)));
    if (!shown.length) list.append(h("li", { class: "option-none" }, "Nobody and nothing by that name"));
    point(0);
  };
  input.addEventListener("input", draw);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") point(at + 1);
    else if (event.key === "ArrowUp") point(at - 1);
    else if (event.key === "Enter" && shown[at]) take(shown[at]);
    else return;
    event.preventDefault();
  });
  box = openDialog({ title: "Jump to", kind: "dialog-switch", body: h("div", { class: "dialog-body" }, input, list), onCancel: leave });
  draw();
  input.focus();
}

