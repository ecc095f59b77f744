// How a place in a document is called: "p. 3", "slide 3", "sheet Costs".

import { say, t } from "./i18n.js";

const KINDS = new Set(["page", "slide", "sheet", "section"]);
export const kindOf = (kind) => (KINDS.has(kind) ? kind : "page");

const labelOf = ({ label, page }) => label || page;

export const place = (citation) => t(`at_${kindOf(citation.page_kind)}`, { label: labelOf(citation) });

export function sayPlace(node, citation) {
  return say(node, `at_${kindOf(citation.page_kind)}`, { label: labelOf(citation) });
}

// Where a page stands in its document: "Page 4 of 12", or "p. iv · 4 of 12" for one with a label.
export function sayWhole(node, page) {
  const params = { number: page.page, pages: page.pages, place: () => place(page) };
  const hasLabel = page.label && page.label !== String(page.page);
  return say(node, hasLabel ? "of_label" : `of_${kindOf(page.page_kind)}`, params);
}
