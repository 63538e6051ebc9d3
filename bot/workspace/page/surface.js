/** One thing that holds blocks (a message, a modal, a home tab): the values in it, and where its actions go. */
import { post, whyNot } from "./api.js";
import { confirm } from "./dialog.js";
import { toast } from "./toast.js";

export class Surface {
  /** `container` is what the server needs to know: `{type: "message", channel, ts}` or `{type: "view", view_id}`. */
  constructor(container) {
    this.container = container;
    this.values = {};
    this.root = null;
  }

  /** The value an element starts with: what the person already chose here wins over `initial`. */
  begin(blockId, actionId, initial) {
    const kept = this.values[blockId]?.[actionId];
    if (kept && kept.type === initial.type) return kept;
    this.write(blockId, actionId, initial);
    return initial;
  }

  write(blockId, actionId, value) {
    (this.values[blockId] ||= {})[actionId] = value;
  }

  /** A block that came back under another id keeps its values. */
  rename(before, now) {
    if (before !== now && this.values[before]) {
      this.values[now] = this.values[before];
      delete this.values[before];
    }
  }

  /** What Slack calls `view.state`: values of the blocks that are shown now. */
  state() {
    const shown = new Set([...this.root.querySelectorAll("[data-block-id]")].map((node) => node.dataset.blockId));
    return { values: Object.fromEntries(Object.entries(this.values).filter(([id]) => shown.has(id))) };
  }

  /** Sends one action; asks first when the element says so. True when it went out. */
  async act(action, question) {
    if (question && !(await confirm(question))) return false;
    const answer = await post("actions", { container: this.container, action, state: this.state() });
    if (!answer.ok) toast(whyNot(answer), "error");
    return answer.ok;
  }

  /** Options for a menu the app fills while a person types. */
  async options(blockId, actionId, value) {
    const where = this.container.type === "view" ? { view_id: this.container.view_id } : { channel: this.container.channel, ts: this.container.ts };
    return post("options", { ...where, block_id: blockId, action_id: actionId, value });
  }
}

/** What an element of a block may do: read and set its value, and send it. */
export class Control {
  constructor(surface, block, element, { sends = true, field = null } = {}) {
    Object.assign(this, { surface, block, element, sends, field });
    this.actionId = element.action_id || "";
    this.node = null;
  }

  get blockId() {
    return this.node?.closest("[data-block-id]")?.dataset.blockId || this.block.block_id || "";
  }

  begin(initial) {
    this.value = this.surface.begin(this.blockId, this.actionId, { type: this.element.type, ...initial });
    return this.value;
  }

  /** Keeps a new value without telling the app. */
  keep(value) {
    this.value = { type: this.element.type, ...value };
    this.surface.write(this.blockId, this.actionId, this.value);
    this.field?.clear();
  }

  /** Keeps a new value and, where the element reports changes, sends it. False when the person said no. */
  async commit(value) {
    const before = this.value;
    this.keep(value);
    if (!this.sends || (await this.send(value))) return true;
    this.keep(before);
    return false;
  }

  send(extra = {}) {
    const action = { type: this.element.type, action_id: this.actionId, block_id: this.blockId, ...extra };
    return this.surface.act(action, this.element.confirm);
  }

  /** Names and descriptions for the control: from its field, else from `fallback`. */
  naming(fallback) {
    if (!this.field) return { "aria-label": fallback };
    return { id: this.field.controlId, "aria-labelledby": this.field.labelId, "aria-describedby": this.field.described, "aria-required": this.block.optional ? null : "true" };
  }
}
