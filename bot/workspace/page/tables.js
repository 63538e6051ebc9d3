/** Tables: `table` as sent, `data_table` with sorting and pages, and the numbers of a chart that Slack would draw. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { richText } from "./richtext.js";

const cellContent = (cell) => (cell?.type === "rich_text" ? richText(cell) : (cell?.text ?? (cell?.value === undefined ? "" : String(cell.value))));
const isNumber = (cell) => cell?.type === "raw_number";

function look(cell, setting) {
  const align = setting?.align || (isNumber(cell) ? "right" : "left");
  return `align-${align}${setting?.is_wrapped ? " wrapped" : ""}`;
}

/** A table; its first row names the columns. */
export function table(block) {
  const settings = block.column_settings || [];
  const [head = [], ...rows] = block.rows || [];
  const row = (cells, tag) => h("tr", {}, cells.map((cell, at) => h(tag, { class: look(tag === "th" ? rows[0]?.[at] : cell, settings[at]), scope: tag === "th" ? "col" : null, dir: "auto" }, cellContent(cell))));
  return scroller("Table", h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, rows.map((cells) => row(cells, "td")))));
}

const scroller = (label, inside) => h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": label }, inside);

const plain = (cell) => (cell?.type === "rich_text" ? richText(cell).textContent : (cell?.text ?? ""));
const order = (left, right) => (isNumber(left) && isNumber(right) ? left.value - right.value : plain(left).localeCompare(plain(right), undefined, { numeric: true }));

/** A table with a caption, sorted by its headings and shown in pages. */
export function dataTable(block) {
  const [head = [], ...rows] = block.rows || [];
  const size = block.page_size || rows.length || 1;
  const view = { column: -1, falling: false, page: 0 };
  const body = h("tbody");
  const pager = h("div", { class: "pager" });
  const headings = head.map((cell, at) => heading(cell, rows[0]?.[at], () => {
    view.falling = view.column === at && !view.falling;
    view.column = at;
    view.page = 0;
    draw();
  }));
  const sorted = () => {
    if (view.column < 0) return rows;
    const rising = [...rows].sort((left, right) => order(left[view.column], right[view.column]));
    return view.falling ? rising.reverse() : rising;
  };
  const draw = () => {
    headings.forEach((node, at) => node.setAttribute("aria-sort", at !== view.column ? "none" : view.falling ? "descending" : "ascending"));
    const shown = sorted().slice(view.page * size, (view.page + 1) * size);
    body.replaceChildren(...shown.map((cells) => bodyRow(cells, block.row_header_column_index)));
    fillPager(pager, view, rows.length, size, draw);
  };
  draw();
  return [scroller(block.caption || "Table", h("table", {}, h("caption", {}, block.caption), h("thead", {}, h("tr", {}, headings)), body)), pager];
}

/** The numbers of a chart: Slack draws them, this page lists them. */
export function chart(block) {
  const { series = [], axis_config: axis = {} } = block.chart || {};
  const text = (words) => ({ type: "raw_text", text: words });
  const rows = (axis.categories || []).map((name, at) => [text(name), ...series.map((one) => ({ type: "raw_number", value: one.data[at]?.value }))]);
  return dataTable({ caption: block.title, rows: [[text(""), ...series.map((one) => text(one.name))], ...rows], row_header_column_index: 0 });
}

function bodyRow(cells, headerAt) {
  return h("tr", {}, cells.map((cell, at) => h(at === headerAt ? "th" : "td", { scope: at === headerAt ? "row" : null, class: look(cell), dir: "auto" }, cellContent(cell))));
}

function heading(cell, below, sort) {
  return h("th", { scope: "col", class: look(below), "aria-sort": "none" }, h("button", { type: "button", class: "sort", onclick: sort }, cellContent(cell), icon("sort", 14)));
}

function fillPager(pager, view, count, size, draw) {
  const last = Math.ceil(count / size) - 1;
  pager.hidden = last < 1;
  const step = (by, name, label) => h("button", { type: "button", class: "icon-button", "aria-label": label, disabled: view.page + by < 0 || view.page + by > last, onclick: () => {
    view.page += by;
    draw();
  } }, icon(name));
  pager.replaceChildren(step(-1, "left", "Previous page"), h("span", {}, `${view.page * size + 1}–${Math.min(count, (view.page + 1) * size)} of ${count}`), step(1, "right", "Next page"));
}
