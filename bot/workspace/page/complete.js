/** What the composer offers while one types: commands, people, channels, emoji. */
import { avatar } from "./avatar.js";
import { h } from "./dom.js";
import { emojiLike } from "./emoji.js";
import { icon } from "./icons.js";
import { state } from "./store.js";

const like = (text, typed) => text.toLowerCase().includes(typed.toLowerCase());

function commands(typed) {
  const found = state.commands.filter((entry) => like(entry.command, typed));
  const first = found.filter((entry) => entry.command.toLowerCase().startsWith(`/${typed.toLowerCase()}`));
  return [...first, ...found.filter((entry) => !first.includes(entry))].slice(0, 12).map((entry) => ({
    key: entry.command,
    insert: `${entry.command} `,
    lead: h("span", { class: "complete-app" }, avatar({ isApp: true, name: state.app.name }, 28)),
    label: entry.command,
    hint: entry.usage_hint,
    detail: entry.description,
  }));
}

const people = (typed) => [...state.people.values()].filter((who) => like(`${who.real_name} ${who.name}`, typed)).slice(0, 8)
  .map((who) => ({ key: who.id, insert: `@${who.real_name} `, mention: [`@${who.real_name}`, `<@${who.id}>`], lead: avatar(who, 24), label: who.real_name, detail: who.title }));

const channels = (typed) => [...state.channels.values()].filter((channel) => channel.kind !== "dm" && like(channel.name, typed)).slice(0, 8)
  .map((channel) => ({ key: channel.id, insert: `#${channel.name} `, mention: [`#${channel.name}`, `<#${channel.id}>`], lead: icon(channel.is_private ? "lock" : "hash"), label: channel.name, detail: channel.topic }));

const emojis = (typed) => emojiLike(typed.toLowerCase()).map(({ name, character }) => ({ key: name, insert: `:${name}: `, lead: h("span", { class: "emoji" }, character), label: `:${name}:` }));

const TRIGGERS = [
  { pattern: /^\/([\w-]*)$/, offer: commands, label: "Commands" },
  { pattern: /(?:^|[\s(])@([\p{L}\p{N}._ -]{0,30})$/u, offer: people, label: "People" },
  { pattern: /(?:^|\s)#([\w-]*)$/, offer: channels, label: "Channels" },
  { pattern: /(?:^|\s):([a-z0-9_+-]{2,})$/i, offer: emojis, label: "Emoji" },
];

/** What to offer for the text before the caret: `{label, items, from}` or null. */
export function offers(before) {
  for (const { pattern, offer, label } of TRIGGERS) {
    const found = pattern.exec(before);
    if (!found) continue;
    const items = offer(found[1]);
    if (items.length) return { label, items, from: before.length - found[1].length - 1 };
  }
  return null;
}

/** The command at the start of a text, when it is one we know. */
export function commandIn(text) {
  const name = /^(\/[\w-]+)(?=\s|$)/.exec(text)?.[1];
  return name ? state.commands.find((entry) => entry.command === name) : null;
}

/** The known command closest to a mistyped one, by shared letters from the start. */
export function nearestCommand(typed) {
  const score = (command) => {
    let same = 0;
    while (same < command.length && command[same] === typed[same]) same += 1;
    return same + (command.includes(typed.slice(1)) ? 2 : 0);
  };
  const best = state.commands.map((entry) => [score(entry.command), entry.command]).sort((left, right) => right[0] - left[0])[0];
  return best && best[0] > 2 ? best[1] : "";
}
