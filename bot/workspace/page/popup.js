/** Small boxes that hang from a control: menus and lists. They live beside it, so modals do not cut them off. */
import { h } from "./dom.js";

let open = null;

/** Opens `content` under `anchor`; closes on Esc, an outside press, or a second call. Answers a function that closes it. */
export function openPopup(anchor, content, { onClose = () => {}, match = false, side = "start" } = {}) {
  open?.();
  const box = h("div", { class: "popup", popover: "manual" }, content);
  (anchor.closest("dialog") || document.body).append(box);
  box.showPopover();
  place(box, anchor, match, side);
  const outside = (event) => {
    if (!box.contains(event.target) && !anchor.contains(event.target)) close();
  };
  const moved = (event) => {
    if (!box.contains(event.target)) place(box, anchor, match, side); // it goes along with its control
  };
  const keys = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // keeps the modal behind it open
    event.stopPropagation();
    close();
    anchor.focus();
  };
  function close() {
    if (open !== close) return;
    open = null;
    document.removeEventListener("pointerdown", outside, true);
    document.removeEventListener("scroll", moved, true);
    document.removeEventListener("keydown", keys, true);
    removeEventListener("resize", close);
    box.remove();
    onClose();
  }
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("scroll", moved, true);
  document.addEventListener("keydown", keys, true);
  addEventListener("resize", close);
  open = close;
  return close;
}

/** Closes whatever hangs open. */
export const closePopup = () => open?.();

function place(box, anchor, match, side) {
  const from = anchor.getBoundingClientRect();
  if (match) box.style.minWidth = `${Math.max(from.width, 180)}px`;
  const size = box.getBoundingClientRect();
  const gap = 4;
  const below = innerHeight - from.bottom - gap;
  const top = below >= size.height || below >= from.top ? from.bottom + gap : Math.max(gap, from.top - gap - size.height);
  const left = side === "end" ? from.right - size.width : from.left;
  box.style.top = `${top}px`;
  box.style.left = `${Math.max(gap, Math.min(left, innerWidth - size.width - gap))}px`;
  box.style.maxHeight = `${Math.max(120, innerHeight - top - gap)}px`;
}

/** A menu of `{label, detail, lead, chosen, danger, act}` under `anchor`. */
export function openMenu(anchor, items, { label, side = "start", onClose } = {}) {
  const radio = items.some((item) => "chosen" in item);
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label || "Actions" }, items.map((item) => menuItem(item, radio)));
  const close = openPopup(anchor, menu, {
    side,
    onClose: () => {
      anchor.setAttribute("aria-expanded", "false");
      onClose?.();
    },
  });
  anchor.setAttribute("aria-expanded", "true");
  const buttons = [...menu.querySelectorAll("button")];
  buttons.forEach((button, index) => button.addEventListener("click", () => {
    close();
    anchor.focus({ preventScroll: true });
    items[index].act();
  }));
  menu.addEventListener("keydown", (event) => roveKeys(event, buttons, close));
  (buttons.find((button) => button.getAttribute("aria-checked") === "true") || buttons[0])?.focus();
}

function menuItem(item, radio) {
  const checked = radio ? String(Boolean(item.chosen)) : null;
  return h("button", { type: "button", class: `menu-item${item.danger ? " danger" : ""}`, role: radio ? "menuitemradio" : "menuitem", "aria-checked": checked, tabindex: "-1" },
    item.lead, h("span", { class: "menu-words" }, h("span", { class: "menu-label" }, item.label), item.detail && h("span", { class: "menu-detail" }, item.detail)));
}

/** Arrow keys, Home and End through `nodes`; Tab leaves. */
export function roveKeys(event, nodes, leave) {
  const at = nodes.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: nodes.length - 1 }[event.key];
  if (to !== undefined && nodes.length) {
    event.preventDefault();
    nodes[(to + nodes.length) % nodes.length].focus();
  } else if (event.key === "Tab") leave?.();
}
