/** Our own line icons, drawn on a 20 × 20 grid. */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  hash: "M7.5 3 6 17M14 3l-1.500 14M3.500 7.500h14M2.500 12.500h14",
  lock: "M6 9V6.500a4 4 0 0 1 8 0V9M4.500 9h11v8h-11z",
  chevron: "m6 8 4 4 4-4",
  right: "m8 6 4 4-4 4",
  left: "m12 6-4 4 4 4",
  plus: "M10 4v12M4 10h12",
  send: "m3 10 14-6.500L13 17l-3-5.500zM10 11.500l7-8",
  at: "M13 10a3 3 0 1 0-6 0 3 3 0 0 0 6 0Zm0 0v1.500a2 2 0 0 0 4 0V10a7 7 0 1 0-3 5.700",
  bold: "M6 4h5a3 3 0 0 1 0 6H6zm0 6h6a3 3 0 0 1 0 6H6z",
  italic: "M9 4h6M5 16h6M12 4 8 16",
  strike: "M3 10h14M14 6.500C13.500 5 12 4 10 4 7.800 4 6 5 6 7c0 1 .5 2 2 3M6 13.500c.5 1.500 2 2.500 4 2.500 2.200 0 4-1 4-3 0-.8-.3-1.500-1-2",
  code: "m7 6-4 4 4 4m6-8 4 4-4 4",
  clip: "m15.500 9-6 6a3.500 3.500 0 0 1-5-5l6.500-6.500a2.300 2.300 0 0 1 3.300 3.300L8 13.200a1.100 1.100 0 0 1-1.600-1.600L12 6",
  smile: "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0ZM7 12c1.500 2 4.500 2 6 0M7.500 8v.01M12.500 8v.01",
  bolt: "M11 2.500 4.500 11H10l-1 6.500L15.500 9H10z",
  reply: "M3 4.500h14v9H9L5.500 17v-3.500H3z",
  link: "M8.500 11.500a3 3 0 0 0 4.300 0l3-3A3 3 0 0 0 11.500 4l-1 1m1 3.500a3 3 0 0 0-4.300 0l-3 3A3 3 0 0 0 8.500 16l1-1",
  more: "M5 10v.01M10 10v.01M15 10v.01",
  close: "m5 5 10 10M15 5 5 15",
  menu: "M3 5.500h14M3 10h14M3 14.500h14",
  sun: "M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM10 2v2m0 12v2M2 10h2m12 0h2M4.300 4.300l1.400 1.400m8.600 8.600 1.400 1.400m0-11.400-1.400 1.400M5.700 14.300l-1.400 1.400",
  moon: "M16.500 12A7 7 0 1 1 8 3.500 5.500 5.500 0 0 0 16.500 12Z",
  check: "m4 10.500 4 4 8-9",
  trash: "M3.500 5.500h13M8 5.500V3.500h4v2M5 5.500l.8 11h8.400l.8-11M8.500 9v4.500m3-4.500v4.500",
  up: "M6 9v8H3V9zm0 0 3.500-6.500c1.500 0 2 1 1.700 2.500L10.800 8h4.700c1 0 1.500.8 1.300 1.700l-1.300 6c-.2.8-.8 1.300-1.600 1.300H6",
  down: "M6 11V3H3v8zm0 0 3.500 6.500c1.500 0 2-1 1.700-2.500l-.4-3h4.700c1 0 1.500-.8 1.300-1.700l-1.300-6c-.2-.8-.8-1.300-1.600-1.300H6",
  calendar: "M3.500 5h13v11.500h-13zM3.500 8.500h13M7 3v3.500M13 3v3.500",
  clock: "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0ZM10 6v4l2.500 2",
  search: "M14 8.500a5.500 5.500 0 1 1-11 0 5.500 5.500 0 0 1 11 0Zm-1.500 4L17 17",
  info: "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0ZM10 9v4.500M10 6.500v.01",
  warning: "M10 3 18 17H2zM10 8v4M10 14.500v.01",
  error: "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0ZM10 6v5M10 13.500v.01",
  success: "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0ZM6.500 10.500l2.500 2.500 4.500-5.500",
  eye: "M2 10c3.500-6 12.500-6 16 0-3.500 6-12.500 6-16 0Zm10.500 0a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0Z",
  file: "M5 2.500h6.500L15.500 6v11.500H5zM11.500 2.500V6h4",
  arrowDown: "M10 4v12m-5-5 5 5 5-5",
  people: "M9.500 7a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0ZM2.500 16c0-5 9-5 9 0M12 9.500a2.500 2.500 0 0 0 0-5M13.500 11.500c2.500.2 4 1.700 4 4.500",
  home: "m3 9.500 7-6 7 6M5 8.500V16.500h10V8.500",
  play: "M7 4.500v11l9-5.500z",
  external: "M11 4h5v5m0-5-7 7M8 5H4v11h11v-4",
  pencil: "m4 16 1-4 8.500-8.500 3 3L8 15z",
  sort: "M7 4v12m-3-3 3 3 3-3M13 16V4m-3 3 3-3 3 3",
  keyboard: "M2.500 5.500h15v9h-15zM5.500 8.500v.01M8.500 8.500v.01M11.500 8.500v.01M14.500 8.500v.01M6.500 11.500h7",
};

/** An icon as an inline image, hidden from screen readers: the control around it carries the name. */
export function icon(name, size = 18) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 20 20", width: size, height: size, fill: "none", stroke: "currentColor",
    "stroke-width": name === "more" || name === "smile" ? 1.8 : 1.5, "stroke-linecap": "round", "stroke-linejoin": "round",
    "aria-hidden": "true", class: `icon icon-${name}`,
  })) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] || PATHS.more);
  svg.append(path);
  return svg;
}

/** The mark of the app: a bridge with its spans. */
export function appMark() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  for (const [d, width, colour] of [["M5 20c5-11 17-11 22 0", 3, "#fff"], ["M5 22.500h22M11 22v-6.500M16 22v-9.500M21 22v-6.500", 2, "#bfe8d8"]]) {
    const path = document.createElementNS(SVG, "path");
    for (const [key, value] of Object.entries({ d, fill: "none", stroke: colour, "stroke-width": width, "stroke-linecap": "round" })) path.setAttribute(key, value);
    svg.append(path);
  }
  return svg;
}
