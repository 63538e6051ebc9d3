/** A scrolling list of messages: grouped by author and day, redrawn row by row, kept at the end while one reads the end. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { authorOf, state } from "./store.js";
import { Row } from "./row.js";
import { dayKey, dayName } from "./when.js";

const WINDOW = 150;
const JOIN_SECONDS = 300;

export class MessageList {
  constructor({ label, inThread = false, onBottom = () => {}, intro = () => null }) {
    Object.assign(this, { inThread, onBottom, intro });
    this.rows = new Map();
    this.messages = [];
    this.earlier = h("button", { type: "button", class: "button earlier", hidden: true, onclick: () => this.showEarlier() }, "Show earlier messages");
    this.items = h("div", { class: "items", role: "log", "aria-live": "off", "aria-label": label });
    this.inner = h("div", { class: "list-inner" }, this.earlier, this.items);
    this.scroller = h("div", { class: "scroller" }, this.inner);
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => this.toEnd() }, icon("arrowDown", 16), "New messages");
    this.node = h("div", { class: "list" }, this.scroller, this.jump);
    this.atEnd = true;
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.items.addEventListener("keydown", (event) => this.keys(event));
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.inner);
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.scroller);
  }

  /** Starts over with another conversation. `unread` draws the "New" line before the last so many messages. */
  open(channel, messages, unread = 0) {
    this.channel = channel;
    this.rows.clear();
    this.items.replaceChildren();
    this.first = Math.max(0, messages.length - WINDOW);
    this.newFrom = unread > 0 ? firstUnread(messages, unread) : "";
    this.jump.hidden = true;
    this.show(messages);
    this.toEnd();
  }

  /** Takes the whole new list; only rows whose message changed are drawn again. */
  show(messages) {
    this.messages = messages;
    const shown = messages.slice(this.first);
    this.earlier.hidden = this.first === 0;
    const wanted = this.first === 0 ? [this.part("intro", () => h("div", { class: "intro", role: "presentation" }, this.intro()))] : [];
    let before = null;
    for (const message of shown) {
      const newDay = !before || dayKey(before.ts) !== dayKey(message.ts);
      if (newDay) wanted.push(this.part(`day ${dayKey(message.ts)}`, () => divider(dayName(message.ts))));
      if (message.ts === this.newFrom) wanted.push(this.part("new", () => divider("New", "divider-new")));
      wanted.push(this.row(message, !newDay && message.ts !== this.newFrom && joins(before, message)));
      before = message;
    }
    this.place(wanted);
    this.rove();
  }

  part(key, make) {
    if (!this.rows.has(key)) this.rows.set(key, { node: make() });
    return [key, this.rows.get(key)];
  }

  row(message, joined) {
    if (!this.rows.has(message.ts)) this.rows.set(message.ts, new Row(message, this.channel, { inThread: this.inThread }));
    const row = this.rows.get(message.ts);
    row.show(message, joined);
    return [message.ts, row];
  }

  place(wanted) {
    const keep = new Set(wanted.map(([key]) => key));
    for (const [key, { node }] of this.rows) {
      if (keep.has(key)) continue;
      node.remove();
      this.rows.delete(key);
    }
    let cursor = this.items.firstChild;
    for (const [, { node }] of wanted) {
      if (node === cursor) cursor = cursor.nextSibling;
      else this.items.insertBefore(node, cursor);
    }
  }

  /** One row is in the tab order; arrow keys move it. */
  rove() {
    const rows = this.rowNodes();
    if (!rows.some((node) => node.tabIndex === 0)) rows.at(-1)?.setAttribute("tabindex", "0");
  }

  rowNodes() {
    return [...this.items.querySelectorAll(":scope > .row")];
  }

  keys(event) {
    const row = event.target.closest(".row");
    if (event.target !== row) {
      if (event.key === "Escape" && row && !event.defaultPrevented) row.focus();
      return;
    }
    const rows = this.rowNodes();
    const at = rows.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined && rows[to]) {
      event.preventDefault();
      row.tabIndex = -1;
      rows[to].tabIndex = 0;
      rows[to].focus();
    } else if (event.key === "Enter") row.querySelector(".row-body button, .row-body a, .row-body input")?.focus();
  }

  showEarlier() {
    const height = this.inner.offsetHeight;
    this.first = Math.max(0, this.first - WINDOW);
    this.show(this.messages);
    this.scroller.scrollTop += this.inner.offsetHeight - height;
  }

  scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    this.atEnd = scrollTop + clientHeight > scrollHeight - 40;
    if (!this.atEnd) return;
    this.jump.hidden = true;
    this.onBottom();
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.atEnd = true;
    this.jump.hidden = true;
  }

  /** A message came in: follow it at the end, offer to jump otherwise. */
  arrived(mine) {
    if (mine || this.atEnd) this.toEnd();
    else this.jump.hidden = false;
  }

  /** Brings one message into view and lights it up; false when it is not here. */
  reveal(ts) {
    const at = this.messages.findIndex((message) => message.ts === ts);
    if (at < 0) return false;
    if (at < this.first) {
      this.first = Math.max(0, at - 20);
      this.show(this.messages);
    }
    const { node } = this.rows.get(ts);
    this.atEnd = false;
    node.scrollIntoView({ block: "center" });
    for (const row of this.rowNodes()) row.tabIndex = -1;
    node.tabIndex = 0;
    node.focus({ preventScroll: true });
    node.classList.remove("lit");
    requestAnimationFrame(() => node.classList.add("lit"));
    setTimeout(() => node.classList.remove("lit"), 2600);
    this.scrolled();
    return true;
  }
}

/** Where the last `unread` messages of others begin; what one wrote oneself was never unread. */
function firstUnread(messages, unread) {
  const others = messages.filter((message) => message.user !== state.me.id && !message.is_ephemeral);
  return others.at(-Math.min(unread, others.length))?.ts ?? "";
}

function joins(before, message) {
  if (!before || before.is_ephemeral !== message.is_ephemeral || message.subtype || before.subtype) return false;
  const same = authorOf(before).id === authorOf(message).id && authorOf(before).name === authorOf(message).name;
  return same && Number(message.ts) - Number(before.ts) < JOIN_SECONDS && !before.reply_count;
}

const divider = (words, kind = "") => h("div", { class: `divider ${kind}`, role: "separator", "aria-label": words }, h("span", {}, words));
