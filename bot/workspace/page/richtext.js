/** Draws `rich_text` blocks. */
import { anchor, h } from "./dom.js";
import { channelMention, dateNode, emojiNode, rangeMention, userMention } from "./mrkdwn_view.js";
import { state } from "./store.js";

const STYLE_TAGS = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]];

function styled(style, node) {
  return STYLE_TAGS.reduce((inner, [name, tag]) => (style?.[name] ? h(tag, {}, inner) : inner), node);
}

function lines(text) {
  return String(text ?? "").split(/(\n)/).filter(Boolean).map((piece) => (piece === "\n" ? h("br") : piece));
}

function colour(value) {
  const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
  if (/^#[0-9a-f]{3,8}$/i.test(value)) swatch.style.backgroundColor = value;
  return h("span", {}, value, " ", swatch);
}

const ELEMENTS = {
  text: (element) => lines(element.text),
  link: (element) => anchor(element.url, lines(element.text || element.url), { title: element.url }),
  emoji: (element) => emojiNode(element.name, element.unicode),
  user: (element) => userMention(element.user_id),
  usergroup: (element) => h("span", { class: "mention" }, `@${element.usergroup_id}`),
  team: () => h("span", { class: "mention" }, `@${state.team.name}`),
  channel: (element) => channelMention(element.channel_id),
  broadcast: (element) => rangeMention(element.range),
  date: (element) => dateNode({ seconds: element.timestamp, format: element.format, url: element.url, fallback: element.fallback || "" }),
  color: (element) => colour(element.value),
};

const inline = (elements) => (elements || []).map((element) => styled(element.style, ELEMENTS[element.type]?.(element) ?? `[${element.type}]`));

const BULLETS = ["disc", "circle", "square"];
const NUMBERS = ["decimal", "lower-alpha", "lower-roman"];

function list(element) {
  const ordered = element.style === "ordered";
  const indent = Math.min(element.indent || 0, 8);
  const node = h(ordered ? "ol" : "ul", { class: `rich-list${element.border ? " bordered" : ""}`, start: ordered && element.offset ? element.offset + 1 : null },
    (element.elements || []).map((item) => h("li", {}, PARTS[item.type]?.(item, "span") ?? "")));
  node.style.listStyleType = (ordered ? NUMBERS : BULLETS)[indent % 3];
  node.style.marginInlineStart = `${indent * 1.6}em`;
  return node;
}

const PARTS = {
  rich_text_section: (part, tag = "div") => h(tag, { class: "rich-section" }, inline(part.elements)),
  rich_text_list: list,
  rich_text_quote: (part) => h("blockquote", { class: part.border ? "bordered" : null }, inline(part.elements)),
  rich_text_preformatted: (part) => h("pre", { tabindex: "0", class: part.border ? "bordered" : null }, h("code", {}, inline(part.elements))),
};

/** A rich text block, or the same inside a table cell or card. */
export function richText(block) {
  return h("div", { class: "rich-text", dir: "auto" }, (block.elements || []).map((part) => PARTS[part.type]?.(part) ?? null));
}
