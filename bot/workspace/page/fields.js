/** Input blocks: label, control, hint and the error under it. */
import { freshId, h } from "./dom.js";
import { elementNode } from "./elements.js";
import { icon } from "./icons.js";
import { plainNodes } from "./mrkdwn_view.js";
import { Control } from "./surface.js";

const fields = new WeakMap(); // block node → its field

/** The inside of an input block. */
export function inputBlock(block, surface) {
  const field = new Field(block);
  const control = new Control(surface, block, block.element, { sends: Boolean(block.dispatch_action), field });
  const grouped = ["checkboxes", "radio_buttons"].includes(block.element.type);
  const label = h(grouped ? "div" : "label", { class: "field-label", id: field.labelId, for: grouped ? null : field.controlId }, plainNodes(block.label.text, block.label.emoji !== false),
    block.optional && h("span", { class: "dim" }, " (optional)"));
  const hint = block.hint && h("p", { class: "field-hint", id: field.hintId }, plainNodes(block.hint.text, block.hint.emoji !== false));
  field.control = control;
  const node = h("div", { class: "field" }, label, elementNode(control), field.error, hint);
  fields.set(node, field);
  return node;
}

class Field {
  constructor(block) {
    this.block = block;
    this.controlId = freshId("field");
    this.labelId = `${this.controlId}-label`;
    this.hintId = `${this.controlId}-hint`;
    this.error = h("p", { class: "field-error", id: `${this.controlId}-error`, hidden: true });
    this.described = [`${this.controlId}-error`, block.hint && this.hintId].filter(Boolean).join(" ");
  }

  get input() {
    return document.getElementById(this.controlId);
  }

  say(message) {
    this.error.replaceChildren(icon("error", 16), message);
    this.error.hidden = false;
    this.input?.setAttribute("aria-invalid", "true");
  }

  clear() {
    if (this.error.hidden) return;
    this.error.hidden = true;
    this.input?.removeAttribute("aria-invalid");
  }

  problem() {
    const value = this.control.value || {};
    const given = Object.entries(value).find(([key]) => key !== "type")?.[1];
    const empty = given === null || given === undefined || given === "" || (Array.isArray(given) && !given.length);
    if (empty) return this.block.optional ? "" : "Please complete this required field.";
    return CHECKS[this.block.element.type]?.(given, this.block.element) || "";
  }
}

const CHECKS = {
  plain_text_input(value, element) {
    if (element.min_length && value.length < element.min_length) return `Please write at least ${element.min_length} characters.`;
    return element.max_length && value.length > element.max_length ? `Please shorten this to ${element.max_length} characters.` : "";
  },
  number_input(value, element) {
    const number = Number(value);
    if (value.trim() === "" || Number.isNaN(number)) return "Please enter a number.";
    if (!element.is_decimal_allowed && !Number.isInteger(number)) return "Please enter a whole number.";
    if (element.min_value !== undefined && number < Number(element.min_value)) return `Please enter ${element.min_value} or more.`;
    return element.max_value !== undefined && number > Number(element.max_value) ? `Please enter ${element.max_value} or less.` : "";
  },
  email_text_input: (value) => (/^\S+@\S+\.\S+$/.test(value) ? "" : "Please enter an email address."),
  url_text_input: (value) => (/^https?:\/\/\S+\.\S+$|^https?:\/\/localhost\S*$/.test(value) ? "" : "Please enter a web address, such as https://example.com."),
};

const shownFields = (root) => [...root.querySelectorAll(".field")].map((node) => fields.get(node)).filter(Boolean);

/** Checks every field under `root`; shows what is wrong and answers true when all is well. */
export function checkFields(root) {
  let first = null;
  for (const field of shownFields(root)) {
    const problem = field.problem();
    if (!problem) continue;
    field.say(problem);
    first ||= field;
  }
  first?.input?.focus();
  return !first;
}

/** Shows the app's own errors (`{block_id: message}`) under their fields. */
export function showErrors(root, errors) {
  let first = null;
  for (const field of shownFields(root)) {
    const message = errors[field.control.blockId];
    if (!message) continue;
    field.say(message);
    first ||= field;
  }
  first?.input?.focus();
  return Boolean(first);
}
