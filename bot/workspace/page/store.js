/** What the page knows: the workspace as one person sees it. Other modules read it and listen for changes. */

export const state = {
  team: { id: "", name: "" },
  me: null,
  people: new Map(),
  channels: new Map(),
  commands: [],
  shortcuts: [],
  app: { id: "", name: "App", bot_user_id: "", connected: false },
  channel: "",
  thread: null, // {channel, ts} of the open thread
  tab: "messages", // what the app's own conversation shows
};

const listeners = new Map();

/** Calls `act` whenever `event` happens. */
export function on(event, act) {
  if (!listeners.has(event)) listeners.set(event, []);
  listeners.get(event).push(act);
}

/** Tells everyone who listens to `event`. */
export function emit(event, detail) {
  for (const act of listeners.get(event) || []) act(detail);
}

/** Takes in the answer of GET /page/state. */
export function takeState(seen) {
  state.team = seen.team;
  state.people = new Map(seen.people.map((person) => [person.id, person]));
  state.me = typeof seen.me === "object" && seen.me ? seen.me : state.people.get(seen.me);
  state.channels = new Map(seen.channels.map((channel) => [channel.id, channel]));
  state.commands = seen.commands || [];
  state.shortcuts = seen.shortcuts || [];
  state.app = seen.app || state.app;
}

/** A person by id; someone unknown is shown by their id. */
export function person(id) {
  const known = state.people.get(id);
  if (known) return known;
  if (id === "USLACKBOT") return { id, name: "workspace", real_name: "Workspace", title: "", color: "#5c6b66", is_bot: true };
  return { id, name: id || "unknown", real_name: id || "Unknown", title: "", color: "#78867f" };
}

/** Who wrote a message: `{id, name, color, isApp}`. */
export function authorOf(message) {
  if (message.bot_id || message.user === state.app.bot_user_id) {
    const bot = state.people.get(message.user || state.app.bot_user_id);
    return { id: message.user || message.bot_id, name: message.username || bot?.real_name || state.app.name, color: bot?.color || "#12664f", isApp: true };
  }
  const who = person(message.user);
  return { id: who.id, name: message.username || who.real_name || who.name, color: who.color, isApp: Boolean(who.is_bot) && who.id !== "USLACKBOT" };
}

/** What a conversation is called in the sidebar and headers. */
export function channelName(channel) {
  if (!channel) return "";
  if (channel.kind !== "dm") return channel.name;
  if (channel.with === state.app.bot_user_id) return state.app.name;
  return person(channel.with).real_name + (channel.with === state.me?.id ? " (you)" : "");
}

/** True for the conversation with the app. */
export const isAppChannel = (channel) => channel?.kind === "dm" && channel.with === state.app.bot_user_id;

/** What a browser remembers for this person (votes shown as pressed, the welcome strip, drafts). */
export const memory = {
  get: (key) => localStorage.getItem(`workspace.${key}`),
  set: (key, value) => localStorage.setItem(`workspace.${key}`, value),
  drop: (key) => localStorage.removeItem(`workspace.${key}`),
};
