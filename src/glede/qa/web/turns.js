// One question with its answer: the text with its source buttons, the list of sources, the states.

import { button, copy, el } from "./dom.js";
import { number, say, t } from "./i18n.js";
import { place, sayPlace } from "./places.js";
import { settled, splitMarkers, unsupportedSpans } from "./text.js";
import { openPage } from "./viewer.js";

// {node, collapse(), sources(list), grow(text), finish(result), stop(), fail(problem)}.
// `again` asks the same question once more; with {replace: true} in the place of this turn.
export function createTurn(question, again) {
  const parts = {
    details: el("details", "", [], { open: "" }),
    answer: el("div", "answer", [], { "aria-busy": "true" }),
    sources: el("section", "sources"),
    foot: el("p", "turn-foot"),
    citations: [],
    text: "",
    again,
  };
  const title = el("summary", "", el("h3", "", question));
  parts.details.append(title, parts.answer, parts.sources, parts.foot);
  parts.sources.hidden = true;
  parts.answer.append(say(el("p", "hint pulse"), "searching"));
  return {
    node: el("article", "turn", parts.details),
    collapse: () => parts.details.removeAttribute("open"),
    sources: (citations) => showSources(parts, citations, "sources"),
    grow: (text) => grow(parts, text),
    finish: (result) => finish(parts, result),
    stop: () => stop(parts),
    fail: (problem) => fail(parts, problem),
  };
}

function grow(parts, text) {
  parts.text += text;
  parts.answer.replaceChildren(prose(parts, settled(parts.text), []));
}

function finish(parts, result) {
  parts.answer.setAttribute("aria-busy", "false");
  parts.text = result.answer;
  if (result.found) {
    showSources(parts, result.citations, "sources");
    const spans = unsupportedSpans(result.answer, result.sentences ?? []);
    parts.answer.replaceChildren(prose(parts, result.answer, spans));
    if (spans.length) {
      parts.answer.append(say(el("p", "caution"), "unsupported_note", { count: spans.length }));
    }
  } else {
    showSources(parts, result.citations ?? [], "closest");
    parts.answer.replaceChildren(
      say(el("p", "verdict"), "not_found_title"), say(el("p", "hint"), "not_found_text"),
    );
  }
  showFoot(parts, result);
}

function stop(parts) {
  parts.answer.setAttribute("aria-busy", "false");
  if (!parts.text) parts.answer.replaceChildren();
  parts.answer.append(say(el("p", "verdict"), "stopped"));
  showFoot(parts, null);
}

// What was written before the failure stays, so that it can still be read.
function fail(parts, problem) {
  parts.answer.setAttribute("aria-busy", "false");
  if (!parts.text) parts.answer.replaceChildren();
  const text = say(el("p", "problem"), "as_is", { text: () => problem.describe() });
  parts.answer.append(text, say(button("retry", () => parts.again({ replace: true })), "retry"));
  parts.foot.replaceChildren();
}

// The answer as a paragraph; `spans` are the [from, to) of sentences without support.
function prose(parts, text, spans) {
  const node = el("p", "prose");
  let last = 0;
  for (const [from, to] of spans) {
    node.append(...withMarkers(parts, text.slice(last, from)));
    const flag = el("span", "flag", [" (", say(el("span"), "unsupported"), ")"]);
    node.append(el("span", "unsupported", [...withMarkers(parts, text.slice(from, to)), flag]));
    last = to;
  }
  node.append(...withMarkers(parts, text.slice(last)));
  return node;
}

function withMarkers(parts, text) {
  const known = new Map(parts.citations.map((citation) => [citation.n, citation]));
  return splitMarkers(text, known).map((piece) =>
    "text" in piece ? document.createTextNode(piece.text) : marker(known.get(piece.marker)),
  );
}

function marker(citation) {
  const node = button("marker", () => openPage(citation));
  node.textContent = `[${citation.n}]`;
  const params = { n: citation.n, document: citation.document, place: () => place(citation) };
  say(node, "source_label", params, "aria-label");
  say(node, "as_is", { text: () => `${citation.document}, ${place(citation)}` }, "title");
  return node;
}

function showSources(parts, citations, heading) {
  parts.citations = citations;
  parts.sources.hidden = !citations.length;
  const list = el("ol", "", citations.map((citation) => el("li", "", source(citation))));
  parts.sources.replaceChildren(say(el("h4", "small"), heading), list);
}

function source(citation) {
  const node = button("source", () => openPage(citation));
  const head = el("span", "source-head", [
    el("span", "source-number", String(citation.n)),
    el("span", "source-name", citation.document),
    sayPlace(el("span", "source-place"), citation),
  ]);
  node.append(head, el("span", "source-quote", citation.quote));
  return node;
}

function showFoot(parts, result) {
  const children = [];
  const milliseconds = result?.timings?.total_ms;
  if (milliseconds !== undefined) {
    const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
    children.push(say(el("span"), "seconds", { value: () => number(milliseconds / 1000, digits) }));
  }
  if (result?.found) children.push(copyButton(result));
  children.push(say(button("quiet", () => parts.again()), "ask_again"));
  parts.foot.replaceChildren(...children);
}

function copyButton(result) {
  const node = button("quiet", async () => {
    say(node, (await copy(withSources(result))) ? "copied" : "copy_failed");
    setTimeout(() => say(node, "copy_answer"), 2000);
  });
  return say(node, "copy_answer");
}

function withSources({ answer, citations }) {
  const lines = citations.map((one) => `[${one.n}] ${one.document}, ${place(one)}: ${one.quote}`);
  return [answer, "", `${t("sources")}:`, ...lines].join("\n");
}
