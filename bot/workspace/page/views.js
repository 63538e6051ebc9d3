/** Modals as Slack shows them: a stack of views, their fields checked, their errors shown, their values kept on updates. */
import { avatar } from "./avatar.js";
import { post, whyNot } from "./api.js";
import { blockList, renderBlocks } from "./blocks.js";
import { openDialog } from "./dialog.js";
import { announce, fill, h } from "./dom.js";
import { checkFields, showErrors } from "./fields.js";
import { words } from "./mrkdwn_view.js";
import { state } from "./store.js";
import { Surface } from "./surface.js";
import { toast } from "./toast.js";

const stack = [];

class Modal {
  constructor(view) {
    this.surface = new Surface({ type: "view", view_id: view.id });
    this.blocks = blockList(this.surface);
    this.foot = h("footer", { class: "dialog-foot" });
    this.body = h("form", { class: "dialog-body", novalidate: true, onsubmit: (event) => event.preventDefault(), onkeydown: (event) => this.keys(event) }, this.blocks);
    this.box = openDialog({
      title: words(view.title), mark: avatar({ isApp: true, name: state.app.name }, 28), kind: "dialog-view", body: this.body, footer: this.foot,
      onCancel: (how) => this.leave(how === "cross"),
    });
    this.show(view);
    this.startFocus();
  }

  get id() {
    return this.surface.container.view_id;
  }

  /** Shows a view in this place; what one typed stays where block and action keep their ids. */
  show(view) {
    this.view = view;
    this.surface.container.view_id = view.id;
    this.box.node.querySelector("h2").textContent = words(view.title);
    renderBlocks(this.blocks, view.blocks, this.surface);
    this.drawFoot();
  }

  drawFoot() {
    const { view } = this;
    const needsSubmit = (view.blocks || []).some((block) => block.type === "input");
    const label = words(view.submit) || (needsSubmit ? "Submit" : "");
    this.submitButton = label ? h("button", { type: "button", class: "button primary", onclick: () => this.submit() }, label) : null;
    fill(this.foot, h("button", { type: "button", class: "button", onclick: () => this.leave(false) }, words(view.close) || (label ? "Cancel" : "Close")), this.submitButton);
  }

  startFocus() {
    const wanted = this.body.querySelector("[data-focus-on-load]") || this.body.querySelector("input:not([hidden]), textarea, .select");
    const first = wanted?.matches("input, textarea, button") ? wanted : wanted?.querySelector("input, textarea, button") || this.submitButton || this.foot.querySelector("button");
    // a long form is read from its top, wherever its first field stands
    first?.focus({ preventScroll: true });
    if (first?.matches("textarea")) first.setSelectionRange(0, 0);
  }

  keys(event) {
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey || event.target.matches("input:not([type=checkbox], [type=radio])"));
    if (sends && !event.defaultPrevented && this.submitButton) {
      event.preventDefault();
      this.submit();
    }
  }

  async submit() {
    if (this.busy || !checkFields(this.body)) return;
    this.wait(true);
    const answer = await post(`views/${encodeURIComponent(this.id)}/submit`, { state: this.surface.state() });
    this.wait(false);
    if (answer.errors) this.refused(answer.errors);
    else if (!answer.ok) toast(whyNot(answer), "error");
  }

  refused(errors) {
    const messages = Object.values(errors);
    if (!showErrors(this.body, errors)) toast(messages.join(" "), "error");
    announce(messages.join(" "));
  }

  wait(busy) {
    this.busy = busy;
    if (!this.submitButton) return;
    this.submitButton.toggleAttribute("disabled", busy);
    this.submitButton.setAttribute("aria-busy", String(busy));
  }

  /** Closes this view, or the whole stack from the cross. */
  leave(all) {
    for (const modal of (all ? [...stack] : [this]).reverse()) {
      drop(modal);
      post(`views/${encodeURIComponent(modal.id)}/close`, { is_cleared: all });
    }
  }
}

function drop(modal) {
  const at = stack.indexOf(modal);
  if (at < 0) return;
  stack.splice(at, 1);
  modal.box.close();
}

/** Opens a view, on top of what is open when it was pushed. */
export function openView(view) {
  if (view.type === "home") return;
  const known = stack.find((modal) => modal.id === view.id);
  if (known) known.show(view);
  else stack.push(new Modal(view));
}

/** Shows the new content of an open view. */
export function updateView(view) {
  const at = stack.find((modal) => modal.id === view.id);
  at?.show(view);
}

/** Closes a view the server closed. */
export function closeView(id) {
  const modal = stack.find((open) => open.id === id);
  if (modal) drop(modal);
}

/** Closes all views: when the person changes. */
export function closeViews() {
  for (const modal of [...stack].reverse()) drop(modal);
}
