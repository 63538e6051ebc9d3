/** The page's own calls to the workspace server. Each answers with JSON; failures read `{ok: false, error, message}`. */
import { state } from "./store.js";

async function call(path, options) {
  try {
    const answer = await fetch(path, options);
    const text = await answer.text();
    const body = text ? JSON.parse(text) : {};
    return answer.ok ? { ok: true, ...body } : { error: `http_${answer.status}`, ...body, ok: false };
  } catch {
    return { ok: false, error: "unreachable", message: "The workspace server does not answer. Is it still running?" };
  }
}

const me = () => state.me?.id || "";

/** GET `/page/<path>` as `who` (the current person unless told otherwise). */
export function get(path, query = {}, who = me()) {
  return call(`/page/${path}?${new URLSearchParams({ person: who, ...query })}`);
}

/** POST JSON to `/page/<path>` as the current person. */
export function post(path, body = {}) {
  return call(`/page/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ person: me(), ...body }),
  });
}

/** Uploads one file; answers `{ok, file}`. */
export function upload(file) {
  return call(`/page/files?${new URLSearchParams({ person: me(), name: file.name })}`, {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
  });
}

/** One sentence for a failed call. */
export function whyNot(answer) {
  return answer.message || answer.detail || `That did not work (${answer.error || "unknown error"}).`;
}

/** Opens the live connection and keeps it open; `hear(event)` gets each push, `again()` runs after a reconnect. */
export function live({ hear, again, changed }) {
  let socket;
  let tries = 0;
  let stopped = false;
  const connect = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/page/live?person=${encodeURIComponent(me())}`);
    socket.onopen = () => {
      if (tries) again();
      tries = 0;
      changed(true);
    };
    socket.onmessage = (event) => hear(JSON.parse(event.data));
    socket.onclose = () => {
      if (stopped) return;
      tries += 1;
      if (tries === 2) changed(false); // once; a single lost try mends itself unnoticed
      setTimeout(connect, Math.min(300 * 2 ** tries, 5000));
    };
  };
  connect();
  return () => {
    stopped = true;
    socket.close();
  };
}
