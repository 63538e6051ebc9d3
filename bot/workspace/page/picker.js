/** The list behind every select: one or several choices, groups, search, options loaded while typing. */
import { debounce, freshId, h } from "./dom.js";
import { icon } from "./icons.js";
import { openPopup } from "./popup.js";

const SEARCH_FROM = 8;

/** A select control.
 *
 * `load(query)` answers groups `[{label, options: [{key, label, detail, lead}]}]`, at once or later; `chosen` is a list of
 * options; `change(options)` answers false to undo. */
export class Picker {
  constructor({ naming, placeholder, multiple = false, load, chosen = [], most = Infinity, alwaysSearch = false, minQuery = 0, change }) {
    Object.assign(this, { naming, placeholder, multiple, load, chosen, most, alwaysSearch, minQuery, change });
    this.listId = freshId("list");
    this.trigger = h("button", {
      type: "button", class: "select", role: "combobox", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-controls": this.listId, ...naming,
      onclick: () => this.toggle(),
      onkeydown: (event) => this.triggerKeys(event),
    });
    this.tokens = h("span", { class: "tokens" });
    this.node = h("div", { class: `picker${multiple ? " picker-multi" : ""}` }, multiple && this.tokens, this.trigger);
    this.show();
  }

  show() {
    const names = this.chosen.map((option) => option.label);
    const words = this.multiple || !names.length ? this.placeholder : names[0];
    this.trigger.replaceChildren(h("span", { class: `select-words${names.length && !this.multiple ? "" : " dim"}` }, words), icon("chevron", 16));
    if (!this.multiple) return;
    this.tokens.replaceChildren(...this.chosen.map((option) => h("span", { class: "token" }, h("span", {}, option.label),
      h("button", { type: "button", "aria-label": `Remove ${option.label}`, onclick: () => this.set(this.chosen.filter((kept) => kept.key !== option.key)) }, icon("close", 12)))));
  }

  async set(chosen) {
    const before = this.chosen;
    this.chosen = chosen;
    this.show();
    if ((await this.change(chosen)) === false) {
      this.chosen = before;
      this.show();
    }
  }

  triggerKeys(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.toggle();
    } else if (this.multiple && event.key === "Backspace" && this.chosen.length) this.set(this.chosen.slice(0, -1));
  }

  async toggle() {
    if (this.close) return this.close();
    this.list = h("ul", { class: "options", role: "listbox", id: this.listId, tabindex: "-1", "aria-multiselectable": this.multiple ? "true" : null, "aria-label": "Options" });
    this.search = h("input", {
      class: "option-search", type: "text", placeholder: "Search", "aria-label": "Search options", role: "combobox", "aria-expanded": "true",
      "aria-controls": this.listId, autocomplete: "off", oninput: debounce(() => this.refresh(), this.alwaysSearch ? 180 : 0),
    });
    const box = h("div", { class: "option-box", onkeydown: (event) => this.keys(event) }, this.search, this.list);
    const first = this.minQuery > 0 ? [] : await this.load("");
    this.searchable = this.alwaysSearch || first.reduce((sum, group) => sum + group.options.length, 0) > SEARCH_FROM;
    this.search.hidden = !this.searchable;
    this.draw(first);
    this.trigger.setAttribute("aria-expanded", "true");
    this.close = openPopup(this.trigger, box, { match: true, onClose: () => this.closed() });
    (this.searchable ? this.search : this.list).focus();
    return undefined;
  }

  closed() {
    this.close = null;
    this.trigger.setAttribute("aria-expanded", "false");
  }

  async refresh() {
    const query = this.search.value.trim();
    if (query.length < this.minQuery) return this.draw([]);
    const asked = (this.asked = (this.asked || 0) + 1);
    const groups = await this.load(query);
    return asked === this.asked && this.close ? this.draw(groups) : undefined;
  }

  draw(groups) {
    this.options = [];
    this.list.replaceChildren();
    for (const group of groups) {
      if (group.label && group.options.length) this.list.append(h("li", { class: "option-group", role: "presentation" }, group.label));
      for (const option of group.options) this.list.append(this.row(option));
    }
    if (!this.options.length) this.list.append(h("li", { class: "option-none", role: "presentation" }, this.minQuery && !this.search.value ? `Type ${this.minQuery} or more letters` : "No matches"));
    const at = this.options.findIndex(({ option }) => this.has(option));
    this.point(Math.max(at, 0));
  }

  has(option) {
    return this.chosen.some((kept) => kept.key === option.key);
  }

  row(option) {
    const node = h("li", { class: "option", role: "option", id: freshId("option"), "aria-selected": String(this.has(option)), onclick: () => this.choose(option) },
      option.lead, h("span", { class: "menu-words" }, h("span", { class: "menu-label" }, option.label), option.detail && h("span", { class: "menu-detail" }, option.detail)), icon("check", 16));
    this.options.push({ option, node });
    return node;
  }

  point(at) {
    this.options[this.at]?.node.classList.remove("active");
    this.at = at;
    const active = this.options[at]?.node;
    active?.classList.add("active");
    active?.scrollIntoView({ block: "nearest" });
    (this.searchable ? this.search : this.list).setAttribute("aria-activedescendant", active?.id || "");
  }

  keys(event) {
    const count = this.options.length;
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: count - 1 }[event.key];
    if (to !== undefined && count && !(this.searchable && event.key.length < 5 && event.key !== "End")) {
      event.preventDefault();
      this.point((to + count) % count);
    } else if (event.key === "Enter" || (event.key === " " && !this.searchable)) {
      event.preventDefault();
      if (this.options[this.at]) this.choose(this.options[this.at].option);
    } else if (event.key === "Tab") this.close?.();
    else if (!this.searchable && event.key.length === 1) this.jump(event.key);
  }

  jump(letter) {
    const found = this.options.findIndex(({ option }, index) => index > this.at && option.label.toLowerCase().startsWith(letter.toLowerCase()));
    if (found >= 0) this.point(found);
  }

  choose(option) {
    if (!this.multiple) {
      this.close?.();
      this.trigger.focus({ preventScroll: true });
      this.set([option]);
      return;
    }
    const without = this.chosen.filter((kept) => kept.key !== option.key);
    if (without.length === this.chosen.length && without.length >= this.most) return;
    this.set(without.length === this.chosen.length ? [...without, option] : without);
    for (const row of this.options) row.node.setAttribute("aria-selected", String(this.has(row.option)));
  }
}
