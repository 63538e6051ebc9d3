/** Builds DOM nodes. Text from people and apps only ever becomes text nodes here, never markup. */

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "selected", "multiple", "indeterminate"]);

/** A new element: `h("a", {class: "x", onclick: fn, "aria-label": "y"}, child, [more])`. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key === "dataset") Object.assign(node.dataset, value);
    else if (PROPERTIES.has(key)) node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  add(node, children);
  return node;
}

/** Appends nodes, strings and nested lists of them; skips null and false. */
export function add(node, children) {
  for (const child of Array.isArray(children) ? children : [children]) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(node, child);
    else node.append(child);
  }
  return node;
}

/** Puts `children` in place of everything inside `node`. */
export function fill(node, ...children) {
  node.replaceChildren();
  return add(node, children);
}

let counter = 0;
/** An id unique on this page, for labels and descriptions. */
export const freshId = (prefix) => `${prefix}-${(counter += 1)}`;

/** The address when it is one a person may follow (http, https, mailto), else null. */
export function safeUrl(address) {
  if (typeof address !== "string") return null;
  try {
    const url = new URL(address, location.origin);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Where in this workspace an address leads (`{channel, ts, threadTs}`), or null when it leads elsewhere. */
export function placeOf(address) {
  let url;
  try {
    url = new URL(address, location.origin);
  } catch {
    return null;
  }
  if (url.origin !== location.origin) return null;
  const found = /^(?:#\/|\/archives\/)([A-Z0-9]+)(?:\/p([\d.]+))?\/?(?:\?(.*))?$/.exec(url.hash || url.pathname);
  if (!found) return null;
  const query = new URLSearchParams(found[3] || url.search);
  return { channel: found[1], ts: found[2] ? dotted(found[2]) : "", threadTs: query.get("thread_ts") || "" };
}

/** A timestamp with its dot: permalinks carry `p1700000000000100`. */
export const dotted = (ts) => (ts.includes(".") ? ts : `${ts.slice(0, -6)}.${ts.slice(-6)}`);

/** The address of a place in this workspace. */
export function hashOf({ channel, ts = "", threadTs = "" }) {
  return `#/${channel}${ts ? `/p${ts.replace(".", "")}` : ""}${threadTs && threadTs !== ts ? `?thread_ts=${threadTs}` : ""}`;
}

/** An anchor that is safe to click, or plain text when the address is not. */
export function anchor(address, children, props = {}) {
  const href = safeUrl(address);
  if (!href) return h("span", { class: "dead-link", title: "This address is not a web link" }, children);
  const place = placeOf(href);
  const where = place ? { href: hashOf(place) } : { href, target: "_blank", rel: "noopener noreferrer" };
  return h("a", { ...where, ...props }, children);
}

/** Says `text` to people who listen to the page. */
export function announce(text) {
  const region = document.getElementById("announcer");
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = text.slice(0, 300)));
}

/** Runs `act` once, `ms` after the last call. */
export function debounce(act, ms) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), ms);
  };
}
