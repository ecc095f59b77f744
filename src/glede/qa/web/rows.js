// One row of the shelf: a document, or a file on its way to become one.

import { button, el } from "./dom.js";
import { bytes, number, plain, say, t } from "./i18n.js";
import { kindOf } from "./places.js";

export const isFinal = (status) => ["ready", "failed", "refused"].includes(status);

const extension = (name) => /\.([a-z0-9]{1,5})$/i.exec(name)?.[1].toUpperCase() ?? "";

function facts(doc) {
  const parts = [];
  if (doc.pages) parts.push(t(`pages_${kindOf(doc.page_kind)}`, { count: doc.pages }));
  if (doc.chunks) parts.push(t("passages", { count: doc.chunks }));
  if (doc.size) parts.push(bytes(doc.size));
  return parts.join(" · ");
}

// {node, update(doc), focus()}; `actions` has open, remove and retry, each called with the document
// last shown. Nodes stay the same over updates, so that the focus stays where it was.
export function createRow(actions) {
  let doc = {};
  const parts = {
    kind: el("span", "kind", [], { "aria-hidden": "true" }),
    open: button("doc-open", () => actions.open(doc)),
    name: el("span", "doc-name"),
    facts: el("p", "hint"),
    tags: el("p", "doc-tags"),
    bar: el("progress", "", [], { max: "1" }),
    status: el("span", "doc-status"),
    error: el("p", "problem"),
    retry: button("quiet", () => actions.retry(doc)),
    remove: button("quiet close", () => actions.remove(doc)),
  };
  say(parts.retry, "retry");
  parts.remove.textContent = "×";
  const work = el("div", "doc-work", [parts.bar, parts.status]);
  const body = el("div", "doc-body", [
    parts.open, parts.name, parts.facts, parts.tags, work, parts.error, parts.retry,
  ]);
  const node = el("li", "doc", [parts.kind, body, parts.remove]);
  return {
    node,
    focus: () => parts.remove.focus(),
    update: (next) => {
      doc = next;
      show(node, work, parts, doc);
    },
  };
}

function show(node, work, parts, doc) {
  const ready = doc.status === "ready";
  node.dataset.status = doc.status;
  parts.kind.textContent = extension(doc.name);
  plain(parts.open, doc.name);
  plain(parts.name, doc.name);
  parts.open.hidden = !ready;
  parts.name.hidden = ready;
  say(parts.facts, "as_is", { text: () => facts(doc) }).hidden = !facts(doc);
  parts.tags.replaceChildren(...(doc.tags ?? []).map((tag) => el("span", "tag", tag)));
  parts.tags.hidden = !doc.tags?.length;
  showWork(work, parts, doc);
  showError(parts, doc);
  const verb = doc.id ? "delete" : "dismiss";
  say(parts.remove, verb, {}, "title");
  say(parts.remove, `${verb}_this`, { name: doc.name }, "aria-label");
  parts.remove.hidden = !doc.id && !isFinal(doc.status);
}

function showWork(work, parts, doc) {
  work.hidden = isFinal(doc.status);
  if (work.hidden) return;
  const share = doc.progress ?? 0;
  if (share > 0) parts.bar.value = share;
  else parts.bar.removeAttribute("value");
  say(parts.bar, "progress_of", { name: doc.name }, "aria-label");
  const percent = () => (share > 0 ? ` ${number(share, { style: "percent" })}` : "");
  say(parts.status, "as_is", { text: () => t(`status_${doc.status}`) + percent() });
}

function showError(parts, doc) {
  const bad = doc.status === "failed" || doc.status === "refused";
  parts.error.hidden = !bad;
  parts.retry.hidden = !(bad && doc.again);
  if (bad) {
    const message = () => doc.reason?.() || doc.error?.message || t("no_reason");
    say(parts.error, "has_failed", { name: () => t(`status_${doc.status}`), message });
  }
}
