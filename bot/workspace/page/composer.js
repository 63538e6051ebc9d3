/** The box one writes in: completion, usage hints, formatting, files, and sending as a message or a command. */
import { post, upload, whyNot } from "./api.js";
import { commandIn, nearestCommand, offers } from "./complete.js";
import { fill, freshId, h } from "./dom.js";
import { size } from "./files.js";
import { icon } from "./icons.js";
import { openMenu } from "./popup.js";
import { state } from "./store.js";
import { toast } from "./toast.js";
import { endWelcome } from "./welcome.js";

const drafts = new Map();
const narrow = () => matchMedia("(max-width: 720px)").matches;

export class Composer {
  /** `notice(text)` shows a line only this person sees, above the box. */
  constructor({ channel, threadTs = "", name, notice, sent = () => {}, main = false }) {
    Object.assign(this, { channel, threadTs, notice, sent });
    this.key = `${channel}:${threadTs}`;
    const kept = drafts.get(this.key) || { text: "", files: [], mentions: new Map() };
    this.files = kept.files;
    this.mentions = kept.mentions;
    this.build(name, main);
    this.input.value = kept.text;
    this.changed();
  }

  build(name, main) {
    this.listId = freshId("completion");
    this.input = h("textarea", {
      class: "composer-input", rows: "1", placeholder: name, "aria-label": name, role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": this.listId,
      id: main ? "composer" : null, dir: "auto", spellcheck: "true", maxlength: "40000",
      oninput: () => this.changed(true), onkeydown: (event) => this.keys(event), onpaste: (event) => this.pasted(event), onclick: () => this.complete(),
      onblur: () => setTimeout(() => this.hideOffers(), 120),
    });
    this.ghost = h("div", { class: "ghost", "aria-hidden": "true" });
    this.hint = h("div", { class: "sr-only", id: freshId("hint") });
    this.input.setAttribute("aria-describedby", this.hint.id);
    this.list = h("ul", { class: "completion", id: this.listId, role: "listbox", hidden: true });
    this.chips = h("ul", { class: "chips", "aria-label": "Files to send", hidden: true });
    this.picker = h("input", { type: "file", multiple: true, class: "sr-only", tabindex: "-1", "aria-label": "Choose files", onchange: () => this.attach([...this.picker.files]) });
    this.sendButton = h("button", { type: "button", class: "send", "aria-label": "Send", title: "Send (Enter)", onclick: () => this.send() }, icon("send"));
    this.node = h("div", { class: "composer", ondragover: (event) => event.preventDefault(), ondrop: (event) => this.dropped(event) },
      this.list, h("div", { class: "composer-box" }, this.chips, h("div", { class: "composer-field" }, this.ghost, this.input), this.tools(), this.hint, this.picker));
  }

  tools() {
    const tool = (name, label, act) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onmousedown: (event) => event.preventDefault(), onclick: act }, icon(name));
    const shortcuts = tool("bolt", "Shortcuts", (event) => this.openShortcuts(event.currentTarget));
    shortcuts.setAttribute("aria-haspopup", "menu");
    return h("div", { class: "composer-tools", role: "toolbar", "aria-label": "Writing tools" },
      tool("plus", "Attach files", () => this.picker.click()), shortcuts, tool("at", "Mention someone", () => this.type("@")), tool("smile", "Emoji", () => this.type(":sm")),
      h("span", { class: "tool-gap wide-only" }),
      h("span", { class: "wide-only tool-group" }, tool("bold", "Bold", () => this.wrap("*")), tool("italic", "Italic", () => this.wrap("_")), tool("strike", "Strikethrough", () => this.wrap("~")), tool("code", "Code", () => this.wrap("`"))),
      h("span", { class: "composer-keys wide-only" }, h("kbd", {}, "Shift"), "+", h("kbd", {}, "Enter"), " new line"), this.sendButton);
  }

  openShortcuts(anchor) {
    const shortcuts = state.shortcuts.filter((shortcut) => shortcut.type === "global").map((shortcut) => ({
      label: shortcut.name, detail: shortcut.description || state.app.name, lead: icon("bolt"),
      act: async () => {
        const answer = await post("shortcuts", { callback_id: shortcut.callback_id });
        if (!answer.ok) toast(whyNot(answer), "error");
      },
    }));
    openMenu(anchor, [...shortcuts, { label: "Slash commands", detail: "See what this workspace can run", lead: icon("keyboard"), act: () => this.put("/") }], { label: "Shortcuts" });
  }

  /** Puts a text into the box, ready to be finished. */
  put(text) {
    this.input.value = text;
    this.input.focus();
    this.input.setSelectionRange(text.length, text.length);
    this.changed(true);
  }

  type(text) {
    const { selectionStart: at, value } = this.input;
    const gap = at > 0 && !/\s/.test(value[at - 1]) ? " " : "";
    this.input.focus();
    this.input.setRangeText(gap + text, at, this.input.selectionEnd, "end");
    this.changed(true);
  }

  wrap(mark) {
    const { selectionStart: from, selectionEnd: to, value } = this.input;
    this.input.focus();
    this.input.setRangeText(mark + value.slice(from, to) + mark, from, to, "end");
    if (from === to) this.input.setSelectionRange(from + 1, from + 1);
    this.changed();
  }

  /** Follows every change: height, hint, draft, offers. */
  changed(typing = false) {
    const { input } = this;
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 240)}px`;
    drafts.set(this.key, { text: input.value, files: this.files, mentions: this.mentions });
    this.sendButton.disabled = !input.value.trim() && !this.files.length;
    this.drawGhost();
    if (typing) this.complete();
    else this.hideOffers();
  }

  drawGhost() {
    const { value } = this.input;
    const entry = commandIn(value);
    const waiting = entry?.usage_hint && value.trim() === entry.command && value.endsWith(" ");
    fill(this.ghost, waiting && h("span", { class: "ghost-typed" }, value), waiting && entry.usage_hint);
    this.hint.textContent = waiting ? `Usage: ${entry.command} ${entry.usage_hint}` : "";
  }

  complete() {
    const offered = offers(this.input.value.slice(0, this.input.selectionStart));
    if (!offered) return this.hideOffers();
    this.offered = offered;
    fill(this.list, h("li", { class: "completion-head", role: "presentation" }, offered.label, h("span", {}, h("kbd", {}, "↑"), h("kbd", {}, "↓"), " choose ", h("kbd", {}, "Enter"), " take")),
      offered.items.map((item, index) => this.offer(item, index)));
    this.list.hidden = false;
    this.list.setAttribute("aria-label", offered.label);
    this.input.setAttribute("aria-expanded", "true");
    return this.point(0);
  }

  offer(item, index) {
    item.node = h("li", { role: "option", id: `${this.listId}-${index}`, class: "completion-item", onmousedown: (event) => event.preventDefault(), onclick: () => this.accept(item) },
      item.lead, h("span", { class: "menu-words" }, h("span", { class: "menu-label" }, item.label, item.hint && h("span", { class: "completion-hint" }, ` ${item.hint}`)), item.detail && h("span", { class: "menu-detail" }, item.detail)));
    return item.node;
  }

  point(at) {
    const { items } = this.offered;
    this.at = (at + items.length) % items.length;
    items.forEach((item, index) => item.node.setAttribute("aria-selected", String(index === this.at)));
    items[this.at].node.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", items[this.at].node.id);
  }

  hideOffers() {
    this.offered = null;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  accept(item) {
    const { from } = this.offered;
    if (item.mention) this.mentions.set(...item.mention);
    this.input.setRangeText(item.insert, from, this.input.selectionStart, "end");
    this.input.focus();
    this.changed();
  }

  keys(event) {
    if (event.isComposing) return;
    if (this.offered && this.offerKeys(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !(narrow() && matchMedia("(pointer: coarse)").matches)) {
      event.preventDefault();
      this.send();
    } else if ((event.ctrlKey || event.metaKey) && { b: "*", i: "_" }[event.key]) {
      event.preventDefault();
      this.wrap({ b: "*", i: "_" }[event.key]);
    }
  }

  offerKeys(event) {
    const item = this.offered.items[this.at];
    const whole = item.insert.trim() === this.input.value.trim();
    if (event.key === "ArrowDown") this.point(this.at + 1);
    else if (event.key === "ArrowUp") this.point(this.at - 1);
    else if (event.key === "Escape") this.hideOffers();
    else if (event.key === "Tab" && !event.shiftKey) this.accept(item);
    else if (event.key === "Enter" && !event.shiftKey && !whole) this.accept(item);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  pasted(event) {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    this.attach(files);
  }

  dropped(event) {
    event.preventDefault();
    this.attach([...event.dataTransfer.files]);
  }

  async attach(files) {
    this.picker.value = "";
    for (const file of files) {
      const answer = await upload(file);
      if (answer.ok) this.files.push({ size: file.size, ...answer.file });
      else toast(whyNot(answer), "error");
    }
    this.drawChips();
    this.changed();
    this.input.focus();
  }

  drawChips() {
    this.chips.hidden = !this.files.length;
    fill(this.chips, this.files.map((file) => h("li", { class: "chip" }, icon("file", 16), h("span", {}, file.name), h("small", {}, size(file.size)),
      h("button", { type: "button", class: "icon-button", "aria-label": `Remove ${file.name}`, onclick: () => { this.files.splice(this.files.indexOf(file), 1); this.drawChips(); this.changed(); } }, icon("close", 14)))));
  }

  async send() {
    const text = this.input.value.trim();
    if (!text && !this.files.length) return;
    const files = [...this.files];
    this.files.length = 0;
    this.drawChips();
    this.input.value = "";
    this.changed();
    const isCommand = /^\/[\w-]/.test(text);
    const answer = isCommand ? await this.sendCommand(text) : await this.sendMessage(text, files);
    if (answer.ok && isCommand) endWelcome();
    if (answer.ok) return this.sent();
    if (!this.input.value && answer.error !== "operation_timeout") {
      this.files.push(...files);
      this.drawChips();
      this.input.value = text;
      this.changed();
    }
    return this.failed(text, answer);
  }

  sendMessage(text, files) {
    let written = text; // the server escapes it, as Slack's own clients do
    for (const [shown, code] of [...this.mentions].sort((left, right) => right[0].length - left[0].length)) written = written.split(shown).join(code);
    return post("messages", { channel: this.channel, text: written, ...this.where(), ...(files.length ? { files: files.map((file) => file.id) } : {}) });
  }

  sendCommand(text) {
    return post("commands", { channel: this.channel, text, ...this.where() });
  }

  where() {
    return this.threadTs ? { thread_ts: this.threadTs } : {};
  }

  failed(text, answer) {
    const command = text.split(/\s/)[0];
    const near = answer.error === "unknown_command" && nearestCommand(command);
    if (near) this.notice(`\`${command}\` is not a command here. Did you mean \`${near}\`?`);
    toast(whyNot(answer), "error");
  }
}
