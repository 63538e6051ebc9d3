/** What a first visit shows: three things to try, taken from what this workspace really offers. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { emit, memory, state } from "./store.js";

const key = () => `welcome.${state.me.id}`;

/** Something worth asking, for commands of the shipped workflows; used only when the command is there. */
const EXAMPLES = {
  "/ask-policy": "How many days of leave can I carry over?",
  "/triage-request": "My laptop screen is broken and I am on site in Leeds until Friday",
};

/** What could follow a command as it stands: an example, or a hint that reads as one (`<question>` does not). */
function exampleOf(entry) {
  const hint = entry.usage_hint || "";
  return EXAMPLES[entry.command] || (hint.length > 8 && !/[<[{|]/.test(hint) ? hint : "");
}

/** Commands in the order a newcomer should meet them: with an example, with one thing to fill in, the rest. */
export function inviting() {
  const rank = (entry) => (exampleOf(entry) ? 0 : entry.usage_hint && !entry.usage_hint.includes("|") ? 1 : 2);
  return [...state.commands].sort((left, right) => rank(left) - rank(right));
}

function commandSteps() {
  return inviting().slice(0, 2).map((entry) => ({
    icon: "bolt",
    title: entry.description || `Run ${entry.command}`,
    code: `${entry.command} ${exampleOf(entry) || entry.usage_hint || ""}`.trim(),
    act: () => emit("compose", `${entry.command} ${exampleOf(entry)}`),
    label: "Put it in the box",
  }));
}

function steps(openPeople) {
  const shortcut = state.shortcuts.find((entry) => entry.type === "message");
  const rest = [
    shortcut && { icon: "more", title: `Point at any message, open “More actions” and choose “${shortcut.name}”` },
    { icon: "people", title: "Look through other eyes: an employee, an owner, an admin", act: openPeople, label: "Switch person" },
    { icon: "reply", title: `Write to ${state.app.name} in a direct message`, act: () => emit("open-dm", state.app.bot_user_id), label: "Open the conversation" },
  ].filter(Boolean);
  return [...commandSteps(), ...rest].slice(0, 3);
}

/** Puts the strip away for good: by hand, or once a command was run. */
export function endWelcome() {
  memory.set(key(), "seen");
  document.querySelector(".welcome")?.remove();
}

/** Says when there is nobody yet to try them with. */
export function drawInvitation() {
  const words = document.querySelector(".welcome header p");
  if (words) words.textContent = invitation();
}

const invitation = () => (state.app.connected ? "Three things to try:" : `${state.app.name} is still starting and answers in a moment. Three things to try then:`);

/** The strip, or null when this person has put it away. */
export function welcomeStrip() {
  if (memory.get(key())) return null;
  const openPeople = () => document.querySelector(".who")?.click();
  return h("section", { class: "welcome", "aria-label": "Three things to try" },
    h("header", {}, h("h2", {}, `Welcome to ${state.team.name || "the workspace"}, ${state.me.real_name.split(" ")[0]}`), h("p", { role: "status" }, invitation()),
      h("button", { type: "button", class: "icon-button", "aria-label": "Put this away", onclick: endWelcome }, icon("close", 16))),
    h("ol", {}, steps(openPeople).map((step) => h("li", {}, h("span", { class: "welcome-icon" }, icon(step.icon)),
      h("div", {}, h("p", {}, step.title), step.code && h("code", {}, step.code), step.act && h("button", { type: "button", class: "link-button", onclick: step.act }, step.label))))));
}
