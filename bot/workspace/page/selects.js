/** The select elements of Block Kit, single and multi, on top of the picker. */
import { avatar } from "./avatar.js";
import { icon } from "./icons.js";
import { words } from "./mrkdwn_view.js";
import { Picker } from "./picker.js";
import { channelName, person, state } from "./store.js";

const bare = (option) => ({ text: option.text, value: option.value, ...(option.description ? { description: option.description } : {}) });
const listed = (option) => ({ key: option.value, label: words(option.text), detail: words(option.description), raw: bare(option) });
const grouped = (source) => (source.option_groups || [{ label: "", options: source.options || [] }])
  .map((group) => ({ label: words(group.label), options: (group.options || []).map(listed) }));
const wanted = (groups, query) => groups
  .map((group) => ({ ...group, options: group.options.filter((option) => `${option.label} ${option.detail}`.toLowerCase().includes(query.toLowerCase())) }))
  .filter((group) => group.options.length);

const personOption = (id) => {
  const who = person(id);
  return { key: id, label: who.real_name, detail: who.title, lead: avatar(who, 20) };
};
const channelOption = (id) => {
  const channel = state.channels.get(id);
  return { key: id, label: channel ? channelName(channel) : id, lead: icon(channel?.kind === "dm" ? "reply" : channel?.is_private ? "lock" : "hash", 16) };
};
const people = () => [{ label: "", options: [...state.people.keys()].map(personOption) }];
const channels = (test) => [{ label: "", options: [...state.channels.values()].filter(test).map((channel) => channelOption(channel.id)) }];

function passes(filter) {
  return (channel) => {
    const kind = channel.kind === "dm" ? "im" : channel.is_private ? "private" : "public";
    if (filter?.include && !filter.include.includes(kind)) return false;
    return !(filter?.exclude_bot_users && channel.kind === "dm" && person(channel.with).is_bot);
  };
}

/** How each family reads its options and writes its value. */
const FAMILIES = {
  static: { one: "option", load: (control) => grouped(control.element), read: listed, write: (option) => option.raw },
  external: { one: "option", load: external, read: listed, write: (option) => option.raw, asks: true },
  users: { one: "user", load: people, read: personOption, write: (option) => option.key },
  channels: { one: "channel", load: () => channels((channel) => channel.kind !== "dm"), read: channelOption, write: (option) => option.key },
  conversations: { one: "conversation", load: (control) => channels(passes(control.element.filter)), read: channelOption, write: (option) => option.key },
};

async function external(control, query) {
  const answer = await control.surface.options(control.blockId, control.actionId, query);
  return grouped(answer.ok ? answer : { options: [] });
}

function initialOf(element, family, multiple) {
  if (element.default_to_current_conversation && state.channel) return multiple ? [state.channel] : state.channel;
  return element[`initial_${family.one}${multiple ? "s" : ""}`] ?? (multiple ? [] : null);
}

/** Any of the ten select elements. */
export function select(control) {
  const { element } = control;
  const multiple = element.type.startsWith("multi_");
  const family = FAMILIES[element.type.replace("multi_", "").replace("_select", "")];
  const field = `selected_${family.one}${multiple ? "s" : ""}`;
  const value = control.begin({ [field]: initialOf(element, family, multiple) })[field];
  const placeholder = words(element.placeholder) || (multiple ? "Choose some" : "Choose one");
  const picker = new Picker({
    naming: control.naming(placeholder),
    placeholder,
    multiple,
    most: element.max_selected_items || Infinity,
    alwaysSearch: Boolean(family.asks),
    minQuery: family.asks ? (element.min_query_length ?? 3) : 0,
    chosen: (multiple ? value : [value]).filter(Boolean).map(family.read),
    load: async (query) => (family.asks ? family.load(control, query) : wanted(await family.load(control), query)),
    change: (chosen) => {
      const written = chosen.map(family.write);
      return control.commit({ [field]: multiple ? written : (written[0] ?? null) });
    },
  });
  return picker.node;
}
