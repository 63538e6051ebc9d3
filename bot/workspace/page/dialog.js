/** Modal boxes on the browser's own dialog element: it keeps the focus inside and gives it back. */
import { freshId, h } from "./dom.js";
import { icon } from "./icons.js";
import { textObject } from "./mrkdwn_view.js";

/** Opens a box. `onCancel` runs on Esc and on the cross; it decides whether to close. */
export function openDialog({ title, mark = null, body, footer = null, onCancel, kind = "" }) {
  const titleId = freshId("dialog-title");
  const before = document.activeElement;
  const node = h("dialog", { class: `dialog ${kind}`, "aria-labelledby": titleId, "aria-modal": "true" },
    h("header", { class: "dialog-head" }, mark, h("h2", { id: titleId }, title),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => onCancel("cross") }, icon("close"))),
    body, footer);
  node.addEventListener("cancel", (event) => {
    event.preventDefault();
    onCancel("escape");
  });
  document.body.append(node);
  node.showModal();
  return {
    node,
    close() {
      node.close();
      node.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
    },
  };
}

/** Asks the question of a `confirm` object; resolves to true for yes. */
export function confirm(question) {
  return new Promise((resolve) => {
    const done = (answer) => {
      box.close();
      resolve(answer);
    };
    const style = question.style === "danger" ? "danger" : "primary";
    const deny = h("button", { type: "button", class: "button", onclick: () => done(false) }, question.deny?.text || "Cancel");
    const yes = h("button", { type: "button", class: `button ${style}`, onclick: () => done(true) }, question.confirm?.text || "Yes");
    const box = openDialog({
      title: question.title?.text || "Are you sure?",
      kind: "dialog-small",
      body: h("div", { class: "dialog-body" }, textObject(question.text)),
      footer: h("footer", { class: "dialog-foot" }, deny, yes),
      onCancel: () => done(false),
    });
    box.node.setAttribute("role", "alertdialog");
    (style === "danger" ? deny : yes).focus();
  });
}

/** An image at its full size. */
export function lightbox(source, alt) {
  const box = openDialog({
    title: alt || "Image",
    kind: "dialog-image",
    body: h("div", { class: "dialog-body" }, h("img", { src: source, alt })),
    onCancel: () => box.close(),
  });
}
