/** Short notices in the corner, above everything, modals included. */
import { h } from "./dom.js";
import { icon } from "./icons.js";

const recent = new Map();

/** Shows `text` for some seconds; the same words twice at once show once. */
export function toast(text, level = "info") {
  if (Date.now() - (recent.get(text) || 0) < 2500) return;
  recent.set(text, Date.now());
  const region = document.getElementById("toasts");
  const note = h("div", { class: `toast toast-${level}` }, icon(level === "error" ? "error" : "info"), h("p", { dir: "auto" }, text),
    h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: () => leave(note) }, icon("close", 16)));
  region.append(note);
  // Shown again each time so that it lies above a modal opened in between.
  if (region.matches(":popover-open")) region.hidePopover();
  region.showPopover();
  setTimeout(() => leave(note), level === "error" ? 9000 : 5000);
}

function leave(note) {
  note.remove();
  const region = document.getElementById("toasts");
  if (!region.children.length && region.matches(":popover-open")) region.hidePopover();
}
