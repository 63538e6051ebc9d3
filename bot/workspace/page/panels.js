/** Blocks that frame other things: alert, card, carousel, container, plan and task card. */
import { anchor, freshId, h } from "./dom.js";
import { picture } from "./files.js";
import { icon } from "./icons.js";
import { mrkdwn, textObject, words } from "./mrkdwn_view.js";
import { richText } from "./richtext.js";

const LEVELS = { default: ["info", "Note"], info: ["info", "Information"], warning: ["warning", "Warning"], error: ["error", "Error"], success: ["success", "Success"] };

/** A coloured notice. */
export function alert(block) {
  const level = LEVELS[block.level] ? block.level : "default";
  const [mark, name] = LEVELS[level];
  return h("div", { class: `alert alert-${level}`, role: "note", "aria-label": name }, icon(mark), textObject(block.text));
}

/** A card with pictures, words and buttons. */
export function card(block, surface, interactive, imageAddress) {
  return h("article", { class: "card", "aria-label": words(block.title) || "Card" },
    block.hero_image && h("div", { class: "card-hero" }, picture(imageAddress(block.hero_image), block.hero_image.alt_text, "")),
    h("div", { class: "card-head" },
      block.icon && h("span", { class: "card-icon" }, picture(imageAddress(block.icon), block.icon.alt_text, "")),
      h("div", {}, block.title && mrkdwn(block.title.text, "div"), block.subtitle && h("div", { class: "dim" }, mrkdwn(block.subtitle.text, "span")))),
    block.body && h("div", { class: "card-body" }, mrkdwn(block.body.text)),
    block.actions?.length && h("div", { class: "card-actions" }, block.actions.map((element) => interactive(element, block, surface))));
}

/** Cards side by side; scrolled by finger, arrow keys or the two buttons. */
export function carousel(block, surface, interactive, imageAddress) {
  const cards = block.elements.map((element, index) => h("div", { class: "carousel-item", role: "group", "aria-roledescription": "slide", "aria-label": `${index + 1} of ${block.elements.length}`, dataset: element.block_id ? { blockId: element.block_id } : {} },
    card(element, surface, interactive, imageAddress)));
  const track = h("div", { class: "carousel-track", tabindex: "0", role: "region", "aria-roledescription": "carousel", "aria-label": "Cards" }, cards);
  const turn = (sign) => track.scrollBy({ left: sign * (cards[0].offsetWidth + 12), behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  const arrow = (name, sign, label) => h("button", { type: "button", class: "icon-button carousel-turn", "aria-label": label, onclick: () => turn(sign) }, icon(name));
  const previous = arrow("left", -1, "Previous card");
  const next = arrow("right", 1, "Next card");
  const ends = () => {
    previous.disabled = track.scrollLeft < 4;
    next.disabled = track.scrollLeft + track.clientWidth > track.scrollWidth - 4;
  };
  track.addEventListener("scroll", ends, { passive: true });
  new ResizeObserver(ends).observe(track);
  return h("div", { class: "carousel" }, track, h("div", { class: "carousel-turns" }, previous, next));
}

/** A frame with a title around other blocks, which may fold. */
export function container(block, surface, renderBlocks, imageAddress) {
  const inner = h("div", { class: "blocks", id: freshId("container") });
  renderBlocks(inner, block.child_blocks, surface);
  const title = block.rich_text_title ? richText(block.rich_text_title) : block.title && textObject(block.title, "span");
  const head = [
    block.icon && h("span", { class: "card-icon" }, picture(imageAddress(block.icon), block.icon.alt_text, "")),
    h("span", { class: "container-words" }, h("span", { class: "container-title" }, title), block.subtitle && h("span", { class: "dim" }, textObject(block.subtitle, "span"))),
  ];
  const frame = `container container-${block.width || "standard"}${block.has_header_divider ? " container-ruled" : ""}`;
  if (!block.is_collapsible) return h("section", { class: frame }, (title || block.icon) && h("div", { class: "container-head" }, head), inner);
  return h("details", { class: frame, open: !block.default_collapsed }, h("summary", { class: "container-head" }, head, icon("chevron", 16)), inner);
}

const STATUS = {
  pending: ["clock", "Not started"],
  in_progress: ["repeat", "In progress"],
  complete: ["success", "Done"],
  error: ["error", "Failed"],
};

function source(given) {
  return h("li", {}, anchor(given.url, [icon("link", 14), given.text || given.url]));
}

/** One task of a plan: its state, what it did and what it read. */
export function taskCard(block) {
  const [mark, name] = STATUS[block.status] || STATUS.pending;
  const state = h("span", { class: `task-mark task-${block.status}`, role: "img", "aria-label": name, title: name }, block.status === "in_progress" ? h("span", { class: "spinner" }) : icon(mark));
  const more = block.details || block.output || block.sources?.length;
  const body = more && h("div", { class: "task-body" }, block.details && richText(block.details), block.output && h("div", { class: "task-output" }, richText(block.output)),
    block.sources?.length && h("ul", { class: "task-sources" }, block.sources.map(source)));
  const head = [state, h("span", { class: "task-title", dir: "auto" }, block.title)];
  if (!more) return h("div", { class: "task" }, h("div", { class: "task-head" }, head));
  return h("details", { class: "task", open: block.status !== "complete" }, h("summary", { class: "task-head" }, head, icon("chevron", 16)), body);
}

/** A plan: its title, how much is done, and its tasks. */
export function plan(block) {
  const tasks = (block.tasks || []).filter((task) => task.title);
  const done = tasks.filter((task) => task.status === "complete").length;
  return h("section", { class: "plan", "aria-label": block.title },
    h("div", { class: "plan-head" }, h("strong", { dir: "auto" }, block.title), tasks.length > 0 && h("span", { class: "dim" }, `${done} of ${tasks.length}`)),
    h("ol", { class: "plan-tasks" }, tasks.map((task) => h("li", {}, taskCard(task)))));
}
