/** The bar at the top: menu, search, colours, and who one is. */
import { avatar } from "./avatar.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./popup.js";
import { emit, memory, state } from "./store.js";

/** Draws the bar from the store. */
export function drawTopbar() {
  fill(document.getElementById("topbar"),
    h("button", { type: "button", class: "icon-button narrow-only", "aria-label": "Channels", onclick: () => emit("drawer", true) }, icon("menu", 20)),
    h("button", { type: "button", class: "search", "aria-label": "Jump to a channel or person (Ctrl+K)", onclick: () => emit("switcher") }, icon("search", 16), h("span", {}, `Jump to… `), h("kbd", { class: "wide-only" }, "Ctrl K")),
    h("div", { class: "top-end" }, themeButton(), whoAmI()));
}

const isDark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function themeButton() {
  const button = h("button", { type: "button", class: "icon-button on-bar" });
  const show = () => {
    fill(button, icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
    button.title = button.getAttribute("aria-label");
  };
  button.onclick = () => {
    const chosen = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = chosen;
    memory.set("theme", chosen);
    show();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
  return button;
}

const roleLine = (who) => who.title || (who.is_admin ? "Admin" : "Member");

function whoAmI() {
  const { me } = state;
  const button = h("button", { type: "button", class: "who", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": `Switch person. You are ${me.real_name}, ${roleLine(me)}` },
    avatar(me, 28), h("span", { class: "who-words wide-only" }, h("strong", {}, me.real_name), h("small", {}, roleLine(me))), icon("chevron", 16));
  button.onclick = () => openMenu(button, [...state.people.values()].filter((who) => !who.is_bot).map((who) => ({
    label: who.real_name, detail: roleLine(who), lead: avatar(who, 32), chosen: who.id === me.id, act: () => who.id !== me.id && emit("become", who.id),
  })), { label: "See the workspace as", side: "end" });
  return button;
}
