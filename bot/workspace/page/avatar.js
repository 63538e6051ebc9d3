/** The round-cornered picture of a person: their initials on their colour; the app's own mark for the app. */
import { h } from "./dom.js";
import { appMark } from "./icons.js";
import { state } from "./store.js";

/** An avatar of `size` CSS pixels for `{id, name|real_name, color}`. */
export function avatar(who, size = 36) {
  const name = who.real_name || who.name || "?";
  const isApp = who.isApp || (who.id && who.id === state.app.bot_user_id);
  const letters = name.split(/\s+/).slice(0, 2).map((part) => [...part][0] || "").join("").toUpperCase();
  const node = h("span", { class: `avatar${isApp ? " avatar-app" : ""}`, "aria-hidden": "true" }, isApp ? appMark() : letters);
  const colour = /^#?[0-9a-f]{3,8}$/i.test(who.color || "") ? who.color : "#6b7a74";
  if (!isApp) node.style.backgroundColor = colour.startsWith("#") ? colour : `#${colour}`;
  node.style.setProperty("--size", `${size}px`);
  return node;
}
