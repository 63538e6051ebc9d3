/** The Home tab of the app. */
import { post, whyNot } from "./api.js";
import { blockList, renderBlocks } from "./blocks.js";
import { h } from "./dom.js";
import { state } from "./store.js";
import { Surface } from "./surface.js";

let shown = null;

/** An element for the Home tab; it fills itself and stays current. */
export function homePane() {
  const surface = new Surface({ type: "view", view_id: "" });
  const blocks = blockList(surface);
  const note = h("p", { class: "empty" }, "Opening…");
  shown = { surface, blocks, note };
  refresh(shown);
  return h("div", { class: "home", role: "tabpanel", id: "panel-home", "aria-labelledby": "tab-home", tabindex: "-1" }, h("div", { class: "home-inner" }, note, blocks));
}

async function refresh(pane) {
  const answer = await post("home");
  if (pane !== shown) return;
  if (answer.ok && answer.view) takeHome(answer.view);
  else if (!pane.blocks.children.length) {
    pane.note.textContent = answer.ok ? `${state.app.name} has not filled its Home tab yet${state.app.connected ? "." : ": it is not connected."}` : whyNot(answer);
  }
}

/** Shows a home view that was published. */
export function takeHome(view) {
  if (!shown || !view) return;
  shown.surface.container.view_id = view.id;
  shown.note.hidden = true;
  renderBlocks(shown.blocks, view.blocks, shown.surface);
}
