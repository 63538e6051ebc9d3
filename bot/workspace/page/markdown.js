/** Reads and draws a `markdown` block: the common Markdown that models write. */
import { anchor, h } from "./dom.js";
import { inlineNodes } from "./mrkdwn_view.js";
import { parseInline } from "./mrkdwn.js";

const DEEPEST = 8;

/** An element holding the drawn text. */
export const markdown = (text) => h("div", { class: "markdown", dir: "auto" }, blocksOf(String(text ?? "").replace(/\r\n?/g, "\n").split("\n"), 0));

const STARTS = [
  [/^ {0,3}(```+|~~~+)\s*([\w+#.-]*)\s*$/, fence],
  [/^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/, heading],
  [/^ {0,3}(?:([-*_])\s*)(?:\1\s*){2,}$/, rule],
  [/^ {0,3}>\s?/, quote],
  [/^(\s*)([-*+]|\d{1,9}[.)])\s+/, list],
  [/^\s*\|?.*\|.*$/, table],
];

function blocksOf(lines, depth) {
  const nodes = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const made = startsBlock(lines, at, depth) || paragraph(lines, at, depth);
    nodes.push(made.node);
    at = made.next;
  }
  return nodes;
}

function startsBlock(lines, at, depth) {
  for (const [pattern, make] of STARTS) {
    const found = depth <= DEEPEST && pattern.exec(lines[at]);
    const made = found && make(lines, at, found, depth);
    if (made) return made;
  }
  return null;
}

function paragraph(lines, at, depth) {
  let next = at + 1;
  while (next < lines.length && lines[next].trim() && !startsBlock(lines, next, depth)) next += 1;
  return { node: h("p", {}, inline(lines.slice(at, next).join("\n"))), next };
}

function fence(lines, at, found) {
  let next = at + 1;
  while (next < lines.length && !lines[next].trim().startsWith(found[1])) next += 1;
  const code = h("code", { "data-language": found[2] || null }, lines.slice(at + 1, next).join("\n"));
  return { node: h("pre", { tabindex: "0" }, code), next: next + 1 };
}

// A message sits inside a page that has its own headings, so its headings start at level 3.
function heading(lines, at, found) {
  const level = found[1].length;
  return { node: h(`h${Math.min(level + 2, 6)}`, { class: `md-h${level}` }, inline(found[2])), next: at + 1 };
}

function rule(lines, at) {
  return { node: h("hr"), next: at + 1 };
}

function quote(lines, at, found, depth) {
  let next = at;
  const inside = [];
  while (next < lines.length && /^ {0,3}>/.test(lines[next])) inside.push(lines[next++].replace(/^ {0,3}>\s?/, ""));
  return { node: h("blockquote", {}, blocksOf(inside, depth + 1)), next };
}

function list(lines, at, found, depth) {
  const indent = found[1].length;
  const ordered = /\d/.test(found[2]);
  const item = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
  const items = [];
  let next = at;
  while (next < lines.length) {
    const start = item.exec(lines[next]);
    if (start && start[1].length <= indent + 1 && /\d/.test(start[2]) === ordered) items.push([start[3]]);
    else if (start && start[1].length <= indent + 1) break;
    else if (!lines[next].trim() && !/^\s{2,}\S/.test(lines[next + 1] || "") && !item.test(lines[next + 1] || "")) break;
    else if (lines[next].trim() && !start && !/^\s{2,}/.test(lines[next])) break;
    else items[items.length - 1].push(lines[next].replace(new RegExp(`^\\s{0,${indent + 4}}`), ""));
    next += 1;
  }
  const first = Number.parseInt(found[2], 10);
  const node = h(ordered ? "ol" : "ul", { start: ordered && first !== 1 ? first : null }, items.map((part) => listItem(part, depth)));
  return { node, next };
}

function listItem(lines, depth) {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(lines[0]);
  const head = inline(task ? task[2] : lines[0]);
  const box = task && h("input", { type: "checkbox", checked: task[1] !== " ", disabled: true, "aria-label": "done" });
  return h("li", { class: task ? "task" : null }, box, head, blocksOf(lines.slice(1), depth + 1));
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|"));

function table(lines, at) {
  const under = lines[at + 1] || "";
  if (!/^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(under)) return null;
  const head = cells(lines[at]);
  const sides = cells(under).map((cell) => (/^:-+:$/.test(cell) ? "center" : /-:$/.test(cell) ? "right" : "left"));
  if (sides.length !== head.length) return null;
  let next = at + 2;
  const rows = [];
  while (next < lines.length && lines[next].includes("|") && lines[next].trim()) rows.push(cells(lines[next++]));
  const row = (values, tag) => h("tr", {}, head.map((_, index) => h(tag, { class: `align-${sides[index]}`, scope: tag === "th" ? "col" : null }, inline(values[index] || ""))));
  const node = h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, rows.map((values) => row(values, "td")))));
  return { node, next };
}

const INLINE = /(`+)([\s\S]*?[^`])\1(?!`)|!?\[([^\]\n]{0,500})\]\(\s*<?([^\s)>]{1,3000})>?(?:\s+"[^"\n]*")?\s*\)|\*\*(?=\S)([^\n]*?\S)\*\*|__(?=\S)([^\n]*?\S)__(?!\w)|~~(?=\S)([^\n]*?\S)~~|\*(?=[^\s*])([^*\n]*[^\s*])\*|(?<!\w)_(?=[^\s_])([^_\n]*[^\s_])_(?!\w)|\\([\\`*_{}[\]()#+.!|>~-])| {2,}\n|(https?:\/\/[^\s<>]*[^\s<>.,;:!?'")\]])|<(https?:\/\/[^\s<>|]+)>|<[@#!][^<>\n]+>|:[a-z0-9_+-]+:|\n/gi;

/** Inline nodes of a Markdown text. */
function inline(text, depth = 0) {
  const nodes = [];
  let last = 0;
  for (const found of depth > DEEPEST ? [] : text.matchAll(INLINE)) {
    if (found.index > last) nodes.push(entities(text.slice(last, found.index)));
    nodes.push(...inlineMatch(found, depth));
    last = found.index + found[0].length;
  }
  if (last < text.length) nodes.push(entities(text.slice(last)));
  return nodes;
}

const entities = (text) => text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: "\u00a0" })[name]);

function inlineMatch(found, depth) {
  const [whole, , code, label, url, bold, bold2, strike, italic, italic2, escaped, bare, angle] = found;
  const inside = (text) => inline(text, depth + 1);
  if (code !== undefined) return [h("code", {}, code.replace(/^ (.*) $/, "$1"))];
  if (url !== undefined) return [anchor(url, label ? inside(label) : url, { title: url })];
  if (bold ?? bold2) return [h("strong", {}, inside(bold ?? bold2))];
  if (strike) return [h("s", {}, inside(strike))];
  if (italic ?? italic2) return [h("em", {}, inside(italic ?? italic2))];
  if (escaped) return [escaped];
  if (bare ?? angle) return [anchor(bare ?? angle, bare ?? angle)];
  if (/^ *\n$/.test(whole)) return [h("br")];
  return inlineNodes(parseInline(whole));
}
