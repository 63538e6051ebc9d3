/** The messages of one conversation or thread: fetched, kept current by live events, with what only this page knows. */
import { get } from "./api.js";

const key = (message) => message.ts;

export class Conversation {
  constructor(channel, threadTs = "") {
    Object.assign(this, { channel, threadTs });
    this.messages = [];
    this.own = new Map(); // ephemeral messages and notices of this visit, which the server does not list
  }

  async load() {
    const query = this.threadTs ? { channel: this.channel, thread_ts: this.threadTs } : { channel: this.channel };
    const answer = await get("messages", query);
    if (answer.ok) this.messages = answer.messages.filter((message) => this.holds(message));
    return answer;
  }

  /** Whether a message belongs here: threads hold their root and replies, channels everything else. */
  holds(message) {
    const isReply = message.thread_ts && message.thread_ts !== message.ts;
    if (this.threadTs) return message.ts === this.threadTs || message.thread_ts === this.threadTs;
    return !isReply || message.subtype === "thread_broadcast";
  }

  /** Everything to show, oldest first. */
  all() {
    const listed = new Set(this.messages.map(key));
    const extra = [...this.own.values()].filter((message) => !listed.has(message.ts));
    return [...this.messages, ...extra].sort((left, right) => Number(left.ts) - Number(right.ts));
  }

  /** Takes a live event; true when something changed here. */
  take(type, message) {
    if (type === "message_deleted") return this.drop(message.ts || message.deleted_ts);
    if (!this.holds(message)) return false;
    const at = this.messages.findIndex((known) => known.ts === message.ts);
    if (at >= 0) this.messages[at] = { ...message };
    else if (message.is_ephemeral || this.own.has(message.ts)) this.own.set(message.ts, message);
    else this.messages.push(message);
    return true;
  }

  drop(ts) {
    const before = this.messages.length + this.own.size;
    this.messages = this.messages.filter((message) => message.ts !== ts);
    this.own.delete(ts);
    return this.messages.length + this.own.size !== before;
  }

  /** Adds a notice that only this page shows. */
  notice(text) {
    const ts = (Date.now() / 1000).toFixed(6);
    this.own.set(ts, { type: "message", ts, channel: this.channel, user: "USLACKBOT", text, is_ephemeral: true, ...(this.threadTs ? { thread_ts: this.threadTs } : {}) });
  }
}
