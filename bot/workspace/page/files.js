/** Files in a message: pictures are shown, everything else is a card to open. */
import { h, safeUrl } from "./dom.js";
import { lightbox } from "./dialog.js";
import { icon } from "./icons.js";

/** "1.4 MB". */
export function size(bytes) {
  if (!Number.isFinite(bytes)) return "";
  const units = ["B", "kB", "MB", "GB"];
  const step = bytes > 0 ? Math.min(Math.floor(Math.log10(bytes) / 3), 3) : 0;
  return `${(bytes / 1000 ** step).toFixed(step && bytes / 1000 ** step < 10 ? 1 : 0)} ${units[step]}`;
}

/** A picture that opens large; its alternative text stays readable when it cannot load. */
export function picture(source, alt, className) {
  const address = safeUrl(source);
  if (!address) return h("span", { class: "image-missing" }, icon("file", 16), alt || "Image");
  const image = h("img", { src: address, alt: alt || "", class: className, loading: "lazy", decoding: "async" });
  const button = h("button", { type: "button", class: "image-open", "aria-label": `Open image: ${alt || "image"}`, onclick: () => lightbox(address, alt) }, image);
  image.addEventListener("error", () => button.replaceWith(h("span", { class: "image-missing" }, icon("file", 16), alt || "This image could not be loaded")), { once: true });
  return button;
}

function card(file) {
  const address = safeUrl(file.url);
  const kind = (file.name?.split(".").pop() || file.mimetype || "file").toUpperCase();
  const inside = [h("span", { class: "file-mark" }, icon("file", 22)), h("span", { class: "menu-words" }, h("span", { class: "menu-label" }, file.title || file.name), h("span", { class: "menu-detail" }, [kind, size(file.size)].filter(Boolean).join(" · ")))];
  return address ? h("a", { class: "file-card", href: address, target: "_blank", rel: "noopener noreferrer", download: file.name || true }, inside) : h("span", { class: "file-card" }, inside);
}

/** The files of a message. */
export function fileNodes(files) {
  return (files || []).map((file) => {
    if (!file.mimetype?.startsWith("image/")) return card(file);
    return h("figure", { class: "file-image" }, h("figcaption", {}, file.title || file.name), picture(file.url, file.alt_txt || file.title || file.name, "block-picture"));
  });
}
