/** Text, number, address, rich text and file inputs. */
import { upload, whyNot } from "./api.js";
import { debounce, h } from "./dom.js";
import { icon } from "./icons.js";
import { toRichText } from "./mrkdwn.js";
import { words } from "./mrkdwn_view.js";
import { size } from "./files.js";
import { toast } from "./toast.js";

const KINDS = {
  plain_text_input: { type: "text", word: "Text" },
  number_input: { type: "text", inputmode: "decimal", word: "Number" },
  email_text_input: { type: "email", word: "Email address" },
  url_text_input: { type: "url", word: "Web address" },
};

/** Any input where a person types (or picks files). */
export function textInput(control) {
  const { element } = control;
  if (element.type === "file_input") return fileInput(control);
  if (element.type === "rich_text_input") return richInput(control);
  const kind = KINDS[element.type];
  if (!kind) return h("span", { class: "unknown" }, `This page cannot draw ${element.type}.`);
  const value = control.begin({ value: element.initial_value ?? null }).value ?? "";
  const common = { class: "input", value, placeholder: words(element.placeholder), autocomplete: "off", dir: "auto", ...control.naming(words(element.placeholder) || kind.word) };
  const input = element.multiline ? h("textarea", { ...common, rows: "5" }) : h("input", { ...common, type: kind.type, inputmode: kind.inputmode });
  listen(control, input);
  if (element.max_length && element.type === "plain_text_input") return counted(input, element.max_length);
  return input;
}

function listen(control, input) {
  const { element } = control;
  const when = element.dispatch_action_config?.trigger_actions_on || ["on_enter_pressed"];
  const send = () => control.sends && control.send({ value: input.value || null });
  const typed = debounce(send, 300);
  input.addEventListener("input", () => {
    control.keep({ value: input.value || null });
    if (when.includes("on_character_entered")) typed();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && control.sends && when.includes("on_enter_pressed") && (!element.multiline || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    }
  });
}

function counted(input, most) {
  const left = h("span", { class: "counter", "aria-hidden": "true" });
  const count = () => {
    const over = input.value.length - most;
    left.textContent = over > -most * 0.2 || over > -50 ? String(-over) : "";
    left.classList.toggle("over", over > 0);
  };
  input.addEventListener("input", count);
  count();
  return h("div", { class: "counted" }, input, left);
}

function richInput(control) {
  const { element } = control;
  const start = element.initial_value ? plainOf(element.initial_value) : "";
  control.begin({ rich_text_value: element.initial_value ?? null });
  const input = h("textarea", { class: "input", rows: String(Math.max(element.min_lines || 5, 3)), value: start, placeholder: words(element.placeholder), dir: "auto", ...control.naming("Text") });
  input.addEventListener("input", () => control.keep({ rich_text_value: input.value.trim() ? toRichText(input.value) : null }));
  return h("div", { class: "rich-input" }, input, h("small", { class: "dim" }, "*bold*, _italic_, ~strike~, `code` and > quotes are kept."));
}

function plainOf(node) {
  if (node.type === "link") return node.url;
  if (node.type === "emoji") return `:${node.name}:`;
  if (node.text) return node.text;
  return (node.elements || []).map(plainOf).join(node.type === "rich_text" ? "\n" : "");
}

function fileInput(control) {
  const { element } = control;
  const files = control.begin({ files: [] }).files;
  const list = h("ul", { class: "file-list" });
  const input = h("input", {
    type: "file", class: "sr-only", multiple: (element.max_files || 10) > 1,
    accept: element.filetypes?.map((type) => `.${type}`).join(",") || null, ...control.naming("Files"),
  });
  const show = () => list.replaceChildren(...control.value.files.map((file) => h("li", {}, icon("file", 16), h("span", {}, file.name), h("small", {}, size(file.size)),
    h("button", { type: "button", class: "icon-button", "aria-label": `Remove ${file.name}`, onclick: () => { control.keep({ files: control.value.files.filter((kept) => kept.id !== file.id) }); show(); } }, icon("close", 14)))));
  input.addEventListener("change", async () => {
    for (const file of [...input.files].slice(0, (element.max_files || 10) - control.value.files.length)) {
      const answer = await upload(file);
      if (answer.ok) control.keep({ files: [...control.value.files, answer.file] });
      else toast(whyNot(answer), "error");
    }
    input.value = "";
    show();
  });
  if (files.length) show();
  return h("div", { class: "file-input" }, h("label", { class: "button" }, icon("clip", 16), " Choose files", input), list);
}
