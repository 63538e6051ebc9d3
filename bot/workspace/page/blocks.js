/** Draws lists of blocks and keeps what did not change: a message edited every second keeps its focus and its buttons. */
import { add, anchor, freshId, h, safeUrl } from "./dom.js";
import { elementNode } from "./elements.js";
import { picture } from "./files.js";
import { markdown } from "./markdown.js";
import { mrkdwn, plainNodes, textObject, words } from "./mrkdwn_view.js";
import { inputBlock } from "./fields.js";
import { alert, card, carousel, container, plan, taskCard } from "./panels.js";
import { richText } from "./richtext.js";
import { Control } from "./surface.js";
import { chart, dataTable, table } from "./tables.js";
import { icon } from "./icons.js";

/** The address of an image element or block: its own, or that of an uploaded file. */
export function imageAddress(image) {
  if (image.image_url) return image.image_url;
  const file = image.slack_file || {};
  return file.url || (file.id ? `/files/${encodeURIComponent(file.id)}/image` : "");
}

/** One interactive element of `block`, wired to its surface. */
export const interactive = (element, block, surface) => elementNode(new Control(surface, block, element));

const LONG = 2000;

function section(block, surface) {
  const text = block.text && textObject(block.text);
  const fields = block.fields && h("div", { class: "section-fields" }, block.fields.map((field) => textObject(field)));
  const main = h("div", { class: "section-main" }, text && folded(text, block), fields);
  return [main, block.accessory && h("div", { class: `section-side${block.accessory.type === "image" ? " section-image" : ""}` }, accessory(block, surface))];
}

function accessory(block, surface) {
  if (block.accessory.type === "image") return picture(imageAddress(block.accessory), block.accessory.alt_text, "thumbnail");
  return interactive(block.accessory, block, surface);
}

function folded(text, block) {
  if (block.expand || (block.text.text || "").length < LONG) return text;
  text.classList.add("clamped");
  const more = h("button", { type: "button", class: "link-button", "aria-expanded": "false", onclick: () => {
    const clamped = text.classList.toggle("clamped");
    more.textContent = clamped ? "Show more" : "Show less";
    more.setAttribute("aria-expanded", String(!clamped));
  } }, "Show more");
  return [text, more];
}

function contextElement(element) {
  if (element.type !== "image") return textObject(element, "span");
  const address = safeUrl(imageAddress(element));
  return address ? h("img", { class: "context-image", src: address, alt: element.alt_text || "" }) : element.alt_text;
}

function image(block) {
  const caption = block.title && h("figcaption", {}, plainNodes(block.title.text, block.title.emoji !== false));
  return h("figure", { class: "block-figure" }, caption, picture(imageAddress(block), block.alt_text, "block-picture"));
}

function video(block) {
  const address = safeUrl(block.video_url);
  const title = words(block.title);
  return h("div", { class: "video" },
    block.author_name && h("div", { class: "dim" }, block.author_name),
    h("div", { class: "video-title" }, anchor(block.title_url || block.video_url, title)),
    block.description && textObject(block.description),
    address && h("a", { class: "video-frame", href: address, target: "_blank", rel: "noopener noreferrer", "aria-label": `Watch: ${block.alt_text || title}` },
      h("img", { src: safeUrl(block.thumbnail_url), alt: "", onerror: (event) => event.target.remove() }), h("span", { class: "video-play" }, icon("play", 28))),
    block.provider_name && h("div", { class: "dim" }, block.provider_name));
}

const remoteFile = (block) => h("span", { class: "file-card" }, h("span", { class: "file-mark" }, icon("file", 22)),
  h("span", { class: "menu-words" }, h("span", { class: "menu-label" }, block.external_id), h("span", { class: "menu-detail" }, "Remote file")));

const each = (block, surface) => block.elements.map((element) => interactive(element, block, surface));

/** One maker for each kind of block. */
const MAKERS = {
  section,
  header: (block) => h("h3", { dir: "auto" }, plainNodes(block.text?.text, block.text?.emoji !== false)),
  divider: () => h("hr"),
  context: (block) => block.elements.map(contextElement),
  actions: each,
  context_actions: each,
  image,
  markdown: (block) => markdown(block.text),
  rich_text: richText,
  table,
  data_table: dataTable,
  data_visualization: chart,
  input: inputBlock,
  video,
  file: remoteFile,
  alert,
  card: (block, surface) => card(block, surface, interactive, imageAddress),
  carousel: (block, surface) => carousel(block, surface, interactive, imageAddress),
  container: (block, surface) => container(block, surface, renderBlocks, imageAddress),
  task_card: taskCard,
  plan,
};

function build(block, surface) {
  const root = h("div", { class: `block block-${block.type}`, dataset: { blockId: block.block_id, block: block.type } });
  const make = MAKERS[block.type];
  return add(root, make ? make(block, surface) : h("p", { class: "unknown" }, `This page cannot draw “${block.type}” blocks.`));
}

const signature = (block) => JSON.stringify({ ...block, block_id: null });

/** Makes `parent` show `blocks`, touching only what changed since the last time. */
export function renderBlocks(parent, blocks, surface) {
  const spare = [...parent.children];
  const focus = focusIn(parent);
  const wanted = (blocks || []).map((given, index) => {
    const block = given.block_id ? given : { ...given, block_id: given.block_id || `${parent.id || "b"}-${index}` };
    const mark = signature(block);
    const at = spare.findIndex((node) => node.blockMark === mark);
    if (at < 0) return { block, mark, node: null };
    const [node] = spare.splice(at, 1);
    surface.rename(node.dataset.blockId, block.block_id);
    node.dataset.blockId = block.block_id;
    return { block, mark, node };
  });
  for (const node of spare) node.remove();
  let cursor = parent.firstChild;
  for (const { block, mark, node } of wanted) {
    const shown = node || build(block, surface);
    shown.blockMark = mark;
    if (shown === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(shown, cursor);
  }
  focus?.();
}

/** Remembers where the focus is inside `parent`; the answer puts it back after a redraw. */
function focusIn(parent) {
  const active = document.activeElement;
  if (!active || !parent.contains(active)) return null;
  const holder = active.closest("[data-action-id]");
  const span = "selectionStart" in active && [active.selectionStart, active.selectionEnd];
  return () => {
    if (active.isConnected || !holder) return;
    const again = parent.querySelector(`[data-action-id="${CSS.escape(holder.dataset.actionId)}"]`);
    const target = again?.matches("button, a, input, textarea") ? again : again?.querySelector("button, input, textarea");
    target?.focus({ preventScroll: true });
    if (span && span[0] !== null && target?.setSelectionRange && target.type !== "email") target.setSelectionRange(...span);
  };
}

/** A new surface's element, with an id of its own for blocks that carry none. */
export function blockList(surface) {
  const root = h("div", { class: "blocks", id: freshId("blocks") });
  surface.root = root;
  return root;
}

/** Draws a legacy attachment: a coloured bar beside text or blocks. */
export function attachmentNode(attachment, surface) {
  const inner = h("div", { class: "blocks", id: freshId("attachment") });
  if (attachment.blocks) renderBlocks(inner, attachment.blocks, surface);
  else add(inner, [attachment.pretext && mrkdwn(attachment.pretext), attachment.title && h("strong", {}, anchor(attachment.title_link || "", attachment.title)), mrkdwn(attachment.text || attachment.fallback || "")]);
  const bar = h("div", { class: "attachment" }, inner);
  const colour = { good: "#2a8f62", warning: "#c98a12", danger: "#c4314b" }[attachment.color] || attachment.color || "";
  if (/^#?[0-9a-f]{6}$/i.test(colour)) bar.style.borderInlineStartColor = colour.startsWith("#") ? colour : `#${colour}`;
  return bar;
}
