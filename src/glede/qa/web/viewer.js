// The dialog that shows a page of a document, with the cited words marked in their place.

import { getJson, Problem } from "./api.js";
import { $, copy, el } from "./dom.js";
import { plain, say } from "./i18n.js";
import { sayPlace, sayWhole } from "./places.js";
import { cutQuote } from "./text.js";

let shown = null; // the citation the dialog was opened for
let page = 1;
let pages = 1;
let request = 0; // counts requests, so that a slow answer cannot replace a newer one

export function startViewer() {
  const dialog = $("viewer");
  $("viewer-close").addEventListener("click", () => dialog.close());
  $("viewer-previous").addEventListener("click", () => turn(-1));
  $("viewer-next").addEventListener("click", () => turn(1));
  $("viewer-back").addEventListener("click", () => {
    $("viewer-sheet").focus(); // this button is about to be hidden
    showPage(shown.page);
  });
  $("viewer-copy").addEventListener("click", copyQuote);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  $("viewer-sheet").addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === "ArrowRight") turn(1);
  });
}

// Open the page of a citation; without `quote` it is just the page. Esc closes, and the browser
// gives the focus back to what opened it.
export function openPage(citation) {
  shown = citation;
  pages = citation.page;
  plain($("viewer-name"), citation.document);
  sayPlace($("viewer-place"), citation);
  say($("viewer-copy"), "copy_quote").hidden = !citation.quote;
  $("viewer").showModal();
  $("viewer-sheet").focus();
  return showPage(citation.page);
}

function turn(step) {
  const next = page + step;
  if (next >= 1 && next <= pages) showPage(next);
}

async function showPage(number) {
  request += 1;
  const mine = request;
  page = number;
  showControls();
  const text = $("viewer-text");
  // Only a page that is slow to come is replaced by a word about it, lest every turn flickers.
  const slow = setTimeout(() => mine === request && text.replaceChildren(say(el("span", "hint"), "loading")), 250);
  try {
    const got = await getJson(`v1/documents/${encodeURIComponent(shown.document_id)}/pages/${number}`);
    if (mine !== request) return;
    pages = got.pages ?? pages;
    plain($("viewer-name"), got.document ?? shown.document);
    sayWhole($("viewer-place"), got);
    fill(text, got.text, number === shown.page && shown.quote !== undefined);
  } catch (problem) {
    if (mine !== request) return;
    if (!(problem instanceof Problem)) throw problem;
    text.replaceChildren(say(el("span", "problem"), "as_is", { text: () => problem.describe() }));
  } finally {
    clearTimeout(slow);
  }
  showControls();
}

function fill(text, content, isQuoted) {
  $("viewer-sheet").scrollTop = 0;
  if (!content.trim()) {
    text.replaceChildren(say(el("span", "hint"), "empty_page"));
    return;
  }
  const cut = isQuoted ? cutQuote(content, shown) : null;
  if (!cut) {
    const lost = isQuoted ? [say(el("span", "problem block"), "quote_moved")] : [];
    text.replaceChildren(...lost, content);
    return;
  }
  const mark = el("mark", "", cut[1]);
  text.replaceChildren(cut[0], mark, cut[2]);
  mark.scrollIntoView({ block: "center" });
}

// aria-disabled, not disabled: a button that loses the focus under one's finger strands the keyboard.
function showControls() {
  $("viewer-previous").setAttribute("aria-disabled", String(page <= 1));
  $("viewer-next").setAttribute("aria-disabled", String(page >= pages));
  $("viewer-back").hidden = !shown.quote || page === shown.page;
}

async function copyQuote() {
  const done = await copy(shown.quote, $("viewer"));
  say($("viewer-copy"), done ? "copied" : "copy_failed");
  setTimeout(() => say($("viewer-copy"), "copy_quote"), 2000);
}
