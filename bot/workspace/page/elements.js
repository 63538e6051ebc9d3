/** The interactive elements that are not selects or inputs: buttons, choices, overflow, thumbs, date and time. */
import { add, debounce, freshId, h, safeUrl } from "./dom.js";
import { icon } from "./icons.js";
import { plainNodes, textObject, words } from "./mrkdwn_view.js";
import { openMenu } from "./popup.js";
import { select } from "./selects.js";
import { memory, state } from "./store.js";
import { textInput } from "./inputs.js";
import { toast } from "./toast.js";

function button(control) {
  const { element } = control;
  const label = [...plainNodes(element.text?.text, element.text?.emoji !== false)];
  const props = { class: `button ${element.style || ""}`, "aria-label": element.accessibility_label || null };
  const url = element.url && safeUrl(element.url);
  const press = async (event) => {
    const node = event.currentTarget;
    node.setAttribute("aria-busy", "true");
    await control.send({ value: element.value, text: element.text });
    node.removeAttribute("aria-busy");
  };
  if (url) return h("a", { ...props, href: url, target: "_blank", rel: "noopener noreferrer", onclick: press }, label, icon("external", 14));
  return h("button", { ...props, type: "button", onclick: press }, label);
}

function workflowButton(control) {
  const tell = () => toast("Workflow Builder's own buttons are not part of the local workspace.");
  return h("button", { type: "button", class: `button ${control.element.style || ""}`, onclick: tell }, words(control.element.text));
}

function overflow(control) {
  const { element } = control;
  const open = (event) => openMenu(event.currentTarget, element.options.map((option) => ({
    label: words(option.text),
    detail: words(option.description),
    act: () => {
      const url = option.url && safeUrl(option.url);
      if (url) window.open(url, "_blank", "noopener,noreferrer");
      control.send({ selected_option: { text: option.text, value: option.value } });
    },
  })), { label: "More actions" });
  return h("button", { type: "button", class: "button overflow", "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false", onclick: open }, icon("more"));
}

function choices(control, kind) {
  const { element } = control;
  const many = kind === "checkbox";
  const field = many ? "selected_options" : "selected_option";
  const value = control.begin({ [field]: many ? element.initial_options || [] : element.initial_option || null })[field];
  const picked = new Set((many ? value : [value]).filter(Boolean).map((option) => option.value));
  const name = freshId("choice");
  const boxes = element.options.map((option) => h("input", { type: kind, name, value: option.value, checked: picked.has(option.value), id: freshId("choice") }));
  const read = () => element.options.filter((_, index) => boxes[index].checked);
  const changed = async () => {
    const chosen = read();
    const before = control.value[field];
    if (await control.commit({ [field]: many ? chosen : (chosen[0] ?? null) })) return;
    const kept = new Set((many ? before : [before]).filter(Boolean).map((option) => option.value));
    boxes.forEach((box) => (box.checked = kept.has(box.value)));
  };
  const naming = control.field ? { "aria-labelledby": control.field.labelId, "aria-describedby": control.field.described, id: control.field.controlId } : {};
  return h("div", { class: "choices", role: many ? "group" : "radiogroup", onchange: changed, ...naming }, element.options.map((option, index) =>
    h("div", { class: "choice" }, boxes[index], h("label", { for: boxes[index].id }, textObject(option.text, "span"), option.description && textObject(option.description, "small")))));
}

function feedback(control) {
  const { element } = control;
  const { container } = control.surface;
  const key = `vote.${state.me.id}.${container.channel || container.view_id}.${container.ts || ""}.${control.actionId}`;
  const sides = [["positive_button", "up"], ["negative_button", "down"]].map(([side, mark]) => {
    const given = element[side];
    return { given, node: h("button", { type: "button", class: "thumb", "aria-label": given.accessibility_label || words(given.text), title: words(given.text) }, icon(mark)) };
  });
  const show = () => sides.forEach(({ given, node }) => node.setAttribute("aria-pressed", String(memory.get(key) === given.value)));
  for (const { given, node } of sides) {
    node.onclick = () => {
      // Slack sends on every press and tells the app nothing when a thumb is let go again.
      if (memory.get(key) === given.value) memory.drop(key);
      else memory.set(key, given.value);
      show();
      control.send({ value: given.value, text: given.text });
    };
  }
  show();
  return h("span", { class: "thumbs", role: "group", "aria-label": "Feedback" }, sides.map(({ node }) => node));
}

function iconButton(control) {
  const { element } = control;
  const allowed = element.visible_to_user_ids;
  if (allowed?.length && !allowed.includes(state.me.id)) return null;
  const name = element.accessibility_label || words(element.text);
  const press = () => control.send({ value: element.value });
  return h("button", { type: "button", class: "thumb", "aria-label": name, title: words(element.text), onclick: press }, icon(element.icon === "trash" ? "trash" : "more"));
}

const SPANS = {
  datepicker: { type: "date", field: "selected_date", initial: "initial_date", word: "Date", read: (text) => text || null, write: (value) => value || "" },
  timepicker: { type: "time", field: "selected_time", initial: "initial_time", word: "Time", read: (text) => text || null, write: (value) => value || "" },
  datetimepicker: { type: "datetime-local", field: "selected_date_time", initial: "initial_date_time", word: "Date and time", read: readLocal, write: writeLocal },
};

function readLocal(text) {
  return text ? Math.floor(new Date(text).getTime() / 1000) : null;
}

function writeLocal(seconds) {
  if (!seconds) return "";
  const day = new Date(seconds * 1000);
  return new Date(day.getTime() - day.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function span(control) {
  const kind = SPANS[control.element.type];
  const value = control.begin({ [kind.field]: control.element[kind.initial] ?? null })[kind.field];
  const send = debounce(async () => {
    const before = control.value[kind.field];
    const now = kind.read(input.value);
    if (before !== now && !(await control.commit({ [kind.field]: now }))) input.value = kind.write(before);
  }, control.sends ? 400 : 0);
  const input = h("input", { class: "input input-span", type: kind.type, value: kind.write(value), onchange: send, ...control.naming(words(control.element.placeholder) || kind.word) });
  return input;
}

const MAKERS = {
  button,
  workflow_button: workflowButton,
  overflow,
  checkboxes: (control) => choices(control, "checkbox"),
  radio_buttons: (control) => choices(control, "radio"),
  feedback_buttons: feedback,
  icon_button: iconButton,
  datepicker: span,
  timepicker: span,
  datetimepicker: span,
};

/** Draws one element; the control remembers its node so that it can find its block again. */
export function elementNode(control) {
  const { type } = control.element;
  const make = MAKERS[type] || (type.endsWith("_select") ? select : textInput);
  const node = make(control);
  if (!node) return null;
  control.node = node;
  node.dataset.actionId = control.actionId;
  if (control.element.focus_on_load) node.dataset.focusOnLoad = "";
  return add(node, []);
}
