/** Times and days, as a reader of messages wants them. */

const at = (ts) => new Date(Number(ts) * 1000);

/** "15:42" in the reader's habit. */
export const clock = (ts) => at(ts).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });

/** The whole moment, for titles. */
export const moment = (ts) => at(ts).toLocaleString([], { dateStyle: "full", timeStyle: "medium" });

/** A key that is the same for two moments of one day. */
export const dayKey = (ts) => at(ts).toDateString();

/** "Today", "Yesterday", or the day with its name. */
export function dayName(ts) {
  const day = at(ts);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const year = day.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return day.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", ...year });
}

/** "3 minutes ago". */
export function ago(ts) {
  const seconds = Number(ts) - Date.now() / 1000;
  const words = new Intl.RelativeTimeFormat([], { numeric: "auto" });
  for (const [unit, size] of [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return words.format(Math.round(seconds / size), unit);
  }
  return "just now";
}

const DATE = {
  date_num: (day) => `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`,
  date: (day) => day.toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" }),
  date_short: (day) => day.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" }),
  date_long: (day) => day.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
  time: (day) => day.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" }),
  time_secs: (day) => day.toLocaleTimeString([], { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: (day) => ago(day.getTime() / 1000),
};

function pretty(name, day) {
  const near = dayName(day.getTime() / 1000);
  return near === "Today" || near === "Yesterday" ? near.toLowerCase() : DATE[name](day);
}

/** Fills a date format such as `{date_short_pretty} at {time}` for a moment in seconds. */
export function formatDate(seconds, format) {
  const day = at(seconds);
  if (Number.isNaN(day.getTime())) return "";
  return format.replace(/\{(\w+)\}/g, (whole, token) => {
    const base = token.replace(/_pretty$/, "");
    if (!DATE[base]) return whole;
    return base === token ? DATE[base](day) : pretty(base, day);
  });
}
