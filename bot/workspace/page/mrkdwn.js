/** Reads Slack's mrkdwn into a small tree; `mrkdwn_view.js` draws it. Linear in the length of the text. */
import { EMOJI } from "./emoji.js";

const MARKS = { "*": "bold", _: "italic", "~": "strike" };
const WORD = /[\p{L}\p{N}_]/u;
const DEEPEST = 6;

/** Turns the three escapes Slack knows back into characters. */
export const unescape = (text) => text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);

/** Escapes text a person typed, as Slack's own composer does. */
export const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** The blocks of a text: `{kind: "pre"|"quote"|"lines", …}`. */
export function parse(text) {
  const blocks = [];
  const parts = text.split("```");
  let waiting = "";
  let afterCode = false;
  parts.forEach((part, index) => {
    const inside = index % 2 === 1;
    const closed = index < parts.length - 1;
    if (inside && closed && part.trim()) {
      addLines(blocks, waiting, afterCode, true);
      blocks.push({ kind: "pre", text: unescape(plainAngles(part.replace(/^\n|\n$/g, ""))) });
      waiting = "";
      afterCode = true;
    } else waiting += inside ? `\`\`\`${part}${closed ? "```" : ""}` : part;
  });
  addLines(blocks, waiting, afterCode, false);
  return blocks;
}

function addLines(blocks, text, afterCode, beforeCode) {
  let body = text;
  if (afterCode) body = body.replace(/^\n/, "");
  if (beforeCode) body = body.replace(/\n$/, "");
  if (!body) return;
  const rest = /(^|\n)(?:&gt;|>){3} ?([\s\S]*)$/.exec(body);
  if (rest) {
    addQuoted(blocks, body.slice(0, rest.index));
    blocks.push({ kind: "quote", inline: parseInline(rest[2]) });
  } else addQuoted(blocks, body);
}

function addQuoted(blocks, text) {
  if (!text) return;
  let run = [];
  let quoted = null;
  const flush = () => {
    if (run.length) blocks.push({ kind: quoted ? "quote" : "lines", inline: parseInline(run.join("\n")) });
    run = [];
  };
  for (const line of text.split("\n")) {
    const found = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (Boolean(found) !== quoted) flush();
    quoted = Boolean(found);
    run.push(found ? found[1] : line);
  }
  flush();
}

/** Links and mentions shown as the text they carry: what code blocks do. */
const plainAngles = (text) => text.replace(/<([^<>\n|]+)(?:\|([^<>\n]*))?>/g, (whole, target, label) => (/^[@#!]/.test(target) ? whole : label || target));

/** The inline nodes of a run of text. */
export function parseInline(text, depth = 0) {
  const nodes = [];
  const dead = {}; // mark → index up to which no closing mark exists, so a hostile text is not searched again and again
  let plain = "";
  let at = 0;
  const push = (node, length) => {
    if (plain) nodes.push({ kind: "text", text: unescape(plain) });
    plain = "";
    nodes.push(node);
    at += length;
  };
  while (at < text.length) {
    const char = text[at];
    const found = READERS[char]?.(text, at, depth, dead);
    if (found) push(found.node, found.length);
    else {
      plain += char;
      at += 1;
    }
  }
  if (plain) nodes.push({ kind: "text", text: unescape(plain) });
  return nodes;
}

function sticky(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function readAngle(text, at, depth) {
  const found = sticky(/<([^<>\n]{1,3500})>/y, text, at);
  if (!found) return null;
  const bar = found[1].indexOf("|");
  const target = bar < 0 ? found[1] : found[1].slice(0, bar);
  const label = bar < 0 ? "" : found[1].slice(bar + 1);
  return { node: angleNode(target, label, depth), length: found[0].length };
}

function angleNode(target, label, depth) {
  const shown = unescape(label);
  if (target.startsWith("@")) return { kind: "user", id: target.slice(1), label: shown };
  if (target.startsWith("#")) return { kind: "channel", id: target.slice(1), label: shown };
  if (target.startsWith("!date^")) return dateNode(target, shown);
  if (target.startsWith("!subteam^")) return { kind: "group", id: target.slice(9), label: shown };
  if (target.startsWith("!")) return { kind: "range", range: target.slice(1), label: shown };
  const url = unescape(target);
  return { kind: "link", url, inside: depth < DEEPEST && label ? parseInline(label, DEEPEST) : [{ kind: "text", text: shown || url.replace(/^mailto:/, "") }] };
}

function dateNode(target, fallback) {
  const [, seconds, format, url] = target.split("^");
  return { kind: "date", seconds: Number(seconds), format: unescape(format || "{date}"), url: url ? unescape(url) : "", fallback };
}

function readCode(text, at) {
  const found = sticky(/`([^`\n]+)`/y, text, at);
  return found && { node: { kind: "code", text: unescape(plainAngles(found[1])) }, length: found[0].length };
}

function readEmoji(text, at) {
  const found = sticky(/:([a-z0-9_+'-]{1,60}(?:::skin-tone-[2-6])?):/iy, text, at);
  return found && EMOJI.has(found[1].split("::")[0]) ? { node: { kind: "emoji", name: found[1] }, length: found[0].length } : null;
}

function readUrl(text, at) {
  if (at > 0 && WORD.test(text[at - 1])) return null;
  const found = sticky(/https?:\/\/[^\s<>|]*[^\s<>|.,;:!?'")\]*_~`]/y, text, at);
  return found && { node: { kind: "link", url: unescape(found[0]), inside: [{ kind: "text", text: unescape(found[0]) }] }, length: found[0].length };
}

function readMark(text, at, depth, dead) {
  const mark = text[at];
  const next = text[at + 1];
  if (depth >= DEEPEST || at < (dead[mark] ?? 0) || !next || next === mark || /\s/.test(next)) return null;
  if (at > 0 && WORD.test(text[at - 1])) return null;
  const end = closing(text, at + 1, mark, dead);
  if (end < 0) return null;
  return { node: { kind: MARKS[mark], inside: parseInline(text.slice(at + 1, end), depth + 1) }, length: end + 1 - at };
}

function closing(text, from, mark, dead) {
  let at = from;
  while (at < text.length && text[at] !== "\n") {
    if (text[at] === mark && at > from && !/\s/.test(text[at - 1]) && !(text[at + 1] && WORD.test(text[at + 1])) && text[at + 1] !== mark) return at;
    at += text[at] === "<" || text[at] === "`" ? skipped(text, at) : 1;
  }
  dead[mark] = at;
  return -1;
}

/** How far to jump over a link or code, whose inside holds no marks. */
function skipped(text, at) {
  const found = sticky(text[at] === "<" ? /<[^<>\n]{1,3500}>/y : /`[^`\n]+`/y, text, at);
  return found ? found[0].length : 1;
}

const READERS = {
  "<": readAngle,
  "`": readCode,
  ":": readEmoji,
  h: readUrl,
  "*": readMark,
  _: readMark,
  "~": readMark,
  "\n": () => ({ node: { kind: "break" }, length: 1 }),
};

/** The same tree as a rich_text block: what a rich text field sends. */
export function toRichText(text) {
  const elements = parse(escape(text)).map((block) => {
    if (block.kind === "pre") return { type: "rich_text_preformatted", elements: [{ type: "text", text: block.text }] };
    return { type: block.kind === "quote" ? "rich_text_quote" : "rich_text_section", elements: richInline(block.inline, {}) };
  });
  return { type: "rich_text", elements };
}

function richInline(nodes, style) {
  return nodes.flatMap((node) => {
    const styled = Object.keys(style).length ? { style } : {};
    if (node.kind in { bold: 1, italic: 1, strike: 1 }) return richInline(node.inside, { ...style, [node.kind]: true });
    if (node.kind === "code") return [{ type: "text", text: node.text, style: { ...style, code: true } }];
    if (node.kind === "emoji") return [{ type: "emoji", name: node.name }];
    if (node.kind === "link") return [{ type: "link", url: node.url, ...styled }];
    return [{ type: "text", text: node.kind === "break" ? "\n" : node.text, ...styled }];
  });
}
