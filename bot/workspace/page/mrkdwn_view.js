/** Draws text objects: mrkdwn and plain_text, with mentions, dates, links and emoji. */
import { add, anchor, h } from "./dom.js";
import { EMOJI, emoji } from "./emoji.js";
import { parse, parseInline, unescape } from "./mrkdwn.js";
import { person, state } from "./store.js";
import { formatDate, moment } from "./when.js";

/** A mention of a person; pressing it opens their conversation (handled by the page). */
export function userMention(id, label = "") {
  const known = state.people.get(id);
  const mine = id === state.me?.id ? " mention-me" : "";
  return h("button", { type: "button", class: `mention${mine}`, dataset: { person: id } }, `@${known ? known.real_name : label || id}`);
}

/** A mention of a channel, as a link when this person can see it. */
export function channelMention(id, label = "") {
  const channel = state.channels.get(id);
  const name = channel && channel.kind !== "dm" ? channel.name : label || (channel ? person(channel.with).real_name : "private channel");
  return channel ? h("a", { class: "mention", href: `#/${id}` }, `#${name}`) : h("span", { class: "mention mention-dim" }, `#${name}`);
}

/** @here, @channel, @everyone. */
export const rangeMention = (range) => h("span", { class: "mention mention-all" }, `@${range}`);

/** One emoji with its name for those who cannot see it. */
export function emojiNode(name, unicode = "") {
  const drawn = emoji(name) || fromCodes(unicode);
  const named = { role: "img", "aria-label": name.replace(/_/g, " "), title: `:${name}:` };
  return drawn ? h("span", { class: "emoji", ...named }, drawn) : h("span", { class: "emoji-name", ...named }, `:${name}:`);
}

function fromCodes(codes) {
  const numbers = String(codes).split("-").map((code) => parseInt(code, 16));
  return codes && numbers.every((number) => number > 0 && number <= 0x10ffff) ? String.fromCodePoint(...numbers) : "";
}

/** A moment in the reader's own zone. */
export function dateNode({ seconds, format, url, fallback }) {
  const words = formatDate(seconds, format) || fallback;
  const time = h("time", { title: Number.isFinite(seconds) ? moment(seconds) : fallback }, words);
  return url ? anchor(url, time) : time;
}

const DRAW = {
  text: (node) => node.text,
  break: () => h("br"),
  bold: (node) => h("strong", {}, inlineNodes(node.inside)),
  italic: (node) => h("em", {}, inlineNodes(node.inside)),
  strike: (node) => h("s", {}, inlineNodes(node.inside)),
  code: (node) => h("code", {}, node.text),
  emoji: (node) => emojiNode(node.name),
  link: (node) => anchor(node.url, inlineNodes(node.inside), { title: node.url }),
  user: (node) => userMention(node.id, node.label),
  channel: (node) => channelMention(node.id, node.label),
  group: (node) => h("span", { class: "mention" }, node.label || `@${node.id}`),
  range: (node) => (["here", "channel", "everyone"].includes(node.range) ? rangeMention(node.range) : node.label || `<${node.range}>`),
  date: dateNode,
};

/** DOM nodes for parsed inline nodes. */
export const inlineNodes = (nodes) => nodes.map((node) => DRAW[node.kind](node));

/** Draws a mrkdwn text into a new element. */
export function mrkdwn(text, tag = "div") {
  const root = h(tag, { class: "mrkdwn", dir: "auto" });
  for (const block of parse(String(text ?? ""))) {
    if (block.kind === "pre") add(root, h("pre", { tabindex: "0" }, h("code", {}, block.text)));
    else if (block.kind === "quote") add(root, h("blockquote", {}, inlineNodes(block.inline)));
    else add(root, h("span", { class: "lines" }, inlineNodes(block.inline)));
  }
  return root;
}

/** Draws a plain text: line breaks and, unless told otherwise, emoji. */
export function plainNodes(text, withEmoji = true) {
  const whole = String(text ?? "");
  const pieces = withEmoji ? whole.split(/(:[a-z0-9_+'-]+(?:::skin-tone-[2-6])?:|\n)/i) : whole.split(/(\n)/);
  return pieces.filter(Boolean).map((piece) => {
    if (piece === "\n") return h("br");
    return withEmoji && /^:.+:$/.test(piece) && EMOJI.has(piece.slice(1, -1).split("::")[0]) ? emojiNode(piece.slice(1, -1)) : unescape(piece);
  });
}

/** Draws a text object of either kind. */
export function textObject(object, tag = "div") {
  if (!object) return null;
  if (object.type === "mrkdwn") return mrkdwn(object.text, tag);
  return h(tag, { class: "plain", dir: "auto" }, plainNodes(object.text, object.emoji !== false));
}

/** The words of a text object, for names and summaries. */
export function words(object) {
  if (!object) return "";
  const text = typeof object === "string" ? object : object.text || "";
  return h("span", {}, object.type === "mrkdwn" ? inlineNodes(parseInline(text)) : plainNodes(text)).textContent;
}
