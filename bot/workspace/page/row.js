/** One message: author, text or blocks, files, thread link and the menu that appears over it. */
import { avatar } from "./avatar.js";
import { post, whyNot } from "./api.js";
import { attachmentNode, blockList, renderBlocks } from "./blocks.js";
import { announce, fill, h, hashOf } from "./dom.js";
import { fileNodes } from "./files.js";
import { icon } from "./icons.js";
import { mrkdwn } from "./mrkdwn_view.js";
import { openMenu } from "./popup.js";
import { authorOf, emit, person, state } from "./store.js";
import { Surface } from "./surface.js";
import { toast } from "./toast.js";
import { ago, clock, moment } from "./when.js";

export class Row {
  constructor(message, channel, { inThread = false } = {}) {
    this.channel = channel;
    this.inThread = inThread;
    this.surface = new Surface({ type: "message", channel, ts: message.ts });
    this.gutter = h("div", { class: "gutter" });
    this.head = h("div", { class: "row-head" });
    this.blocks = blockList(this.surface);
    this.extra = h("div", { class: "row-extra" });
    this.foot = h("div", { class: "row-foot" });
    this.tools = h("div", { class: "row-tools", role: "toolbar", "aria-label": "Message actions" });
    this.node = h("article", { class: "row", tabindex: "-1", dataset: { ts: message.ts }, "aria-roledescription": "message" },
      this.gutter, h("div", { class: "row-body" }, this.head, this.blocks, this.extra, this.foot), this.tools);
    this.drawTools();
  }

  /** Shows `message`; parts that are the same as before are left alone. */
  show(message, joined) {
    this.message = message;
    const author = authorOf(message);
    this.once("frame", [author.name, joined, message.is_ephemeral, Boolean(message.edited), Boolean(message.blocks?.length), message.ts], () => this.drawFrame(author, joined));
    this.once("body", [message.blocks, message.blocks?.length ? "" : message.text, Boolean(message.edited)], () => this.drawBody());
    this.once("extra", [message.files, message.attachments], () => this.drawExtra());
    this.once("foot", [message.reply_count, message.reply_users, message.latest_reply], () => this.drawFoot());
  }

  once(part, facts, draw) {
    const mark = JSON.stringify(facts);
    this.marks ||= {};
    if (this.marks[part] === mark) return;
    this.marks[part] = mark;
    draw();
  }

  drawFrame(author, joined) {
    const { message } = this;
    const time = h("a", { class: "row-time", href: hashOf({ channel: this.channel, ts: message.ts, threadTs: message.thread_ts }), title: moment(message.ts) }, clock(message.ts));
    this.node.classList.toggle("joined", joined);
    this.node.classList.toggle("ephemeral", Boolean(message.is_ephemeral));
    this.node.setAttribute("aria-label", `${author.name}, ${clock(message.ts)}${message.is_ephemeral ? ", only visible to you" : ""}`);
    fill(this.gutter, joined ? time : avatar(author, 36));
    const seen = message.is_ephemeral && h("div", { class: "row-ephemeral" }, icon("eye", 14), "Only visible to you");
    const name = h("button", { type: "button", class: "row-author", dataset: { person: author.id } }, author.name);
    const edited = message.edited && message.blocks?.length ? editedMark(message) : null;
    fill(this.head, seen, !joined && h("div", { class: "row-names" }, name, author.isApp && h("span", { class: "badge-app" }, "App"), time, edited));
  }

  drawBody() {
    const { message } = this;
    const edited = message.edited && !message.blocks?.length && editedMark(message);
    if (message.blocks?.length) {
      this.words?.remove();
      this.words = null;
      renderBlocks(this.blocks, message.blocks, this.surface);
      return;
    }
    this.blocks.replaceChildren();
    this.words?.remove();
    const text = message.text ? mrkdwn(message.text) : h("div");
    if (edited) text.append(" ", edited);
    this.words = text;
    this.blocks.before(text);
  }

  drawExtra() {
    fill(this.extra, fileNodes(this.message.files), (this.message.attachments || []).map((given) => attachmentNode(given, this.surface)));
  }

  drawFoot() {
    const { message } = this;
    if (!message.reply_count || this.inThread) return fill(this.foot);
    const who = (message.reply_users || []).slice(0, 4).map((id) => avatar({ ...person(id), isApp: id === state.app.bot_user_id }, 22));
    const words = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
    return fill(this.foot, h("button", { type: "button", class: "thread-link", onclick: () => this.openThread() },
      who, h("span", { class: "thread-count" }, words), message.latest_reply && h("span", { class: "dim thread-when" }, `Last reply ${ago(message.latest_reply)}`), h("span", { class: "dim thread-view" }, "View thread")));
  }

  drawTools() {
    const tool = (name, label, act) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick: act }, icon(name));
    const more = tool("more", "More actions for this message", (event) => this.openMore(event.currentTarget));
    more.setAttribute("aria-haspopup", "menu");
    fill(this.tools, !this.inThread && tool("reply", "Reply in thread", () => this.openThread()), tool("link", "Copy link", () => this.copyLink()), more);
  }

  openThread() {
    if (this.message.is_ephemeral) return toast("Messages only you can see have no thread.");
    return emit("open-thread", { channel: this.channel, ts: this.message.thread_ts || this.message.ts });
  }

  async copyLink() {
    const link = `${location.origin}/${hashOf({ channel: this.channel, ts: this.message.ts, threadTs: this.message.thread_ts })}`;
    try {
      await navigator.clipboard.writeText(link);
      toast("Link copied.");
    } catch {
      toast(link);
    }
    announce("Link copied");
  }

  openMore(anchor) {
    const shortcuts = this.message.is_ephemeral ? [] : state.shortcuts.filter((shortcut) => shortcut.type === "message");
    const items = [
      ...shortcuts.map((shortcut) => ({ label: shortcut.name, detail: shortcut.description || state.app.name, lead: icon("bolt"), act: () => this.runShortcut(shortcut) })),
      ...(this.message.is_ephemeral || this.inThread ? [] : [{ label: "Reply in thread", lead: icon("reply"), act: () => this.openThread() }]),
      { label: "Copy link", lead: icon("link"), act: () => this.copyLink() },
      { label: "Copy text", lead: icon("file"), act: () => navigator.clipboard?.writeText(this.node.querySelector(".row-body").innerText) },
    ];
    this.node.classList.add("menu-open");
    openMenu(anchor, items, { label: "Message actions", side: "end", onClose: () => this.node.classList.remove("menu-open") });
  }

  async runShortcut(shortcut) {
    const answer = await post("shortcuts", { callback_id: shortcut.callback_id, channel: this.channel, message_ts: this.message.ts });
    if (!answer.ok) toast(whyNot(answer), "error");
  }
}

const editedMark = (message) => h("span", { class: "row-edited", title: moment(message.edited.ts || message.ts) }, "(edited)");
