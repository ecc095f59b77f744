// The shelf: the documents of this tenant, kept current while any of them is still being read.

import { call, getJson } from "./api.js";
import { $, announce, button, el } from "./dom.js";
import { plain, say, t } from "./i18n.js";
import { onKeyChange } from "./key.js";
import { createRow, isFinal } from "./rows.js";
import { openPage } from "./viewer.js";

const FIRST_DELAY = 400; // milliseconds
const LONGEST_DELAY = 5000;
const AT_ONCE = 6; // documents asked for in one round
const FILTER_FROM = 8; // documents from which finding by name is worth its place

const entries = new Map(); // document id -> {doc, row}
const local = new Set(); // entries of files that are no documents yet
let cursor = null;
let timer = 0;
let delay = FIRST_DELAY;
let round = 0;
let onChange = () => {};

export const count = () => entries.size + local.size;

export function tags() {
  const all = [...entries.values()].flatMap(({ doc }) => (doc.status === "ready" ? (doc.tags ?? []) : []));
  return [...new Set(all)].sort();
}

export function startDocuments(changed) {
  onChange = changed;
  $("filter").addEventListener("input", applyFilter);
  $("more").addEventListener("click", () => load());
  document.addEventListener("visibilitychange", () => !document.hidden && watch());
  onKeyChange(() => {
    for (const id of [...entries.keys()]) drop(id);
    cursor = null;
    load();
  });
  return load();
}

// Fetch the next part of the list; problems are shown in the list's own place.
async function load() {
  const notice = $("shelf-notice");
  try {
    const from = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const page = await getJson(`v1/documents?limit=100${from}`);
    notice.replaceChildren();
    const newest = page.documents.toSorted((a, b) => String(b.created_at).localeCompare(String(a.created_at)));
    for (const doc of newest) put(doc);
    cursor = page.next;
    $("more").hidden = !cursor;
  } catch (problem) {
    const again = button("", () => load());
    const text = el("p", "problem", [], { role: "alert" });
    notice.replaceChildren(say(text, "as_is", { text: () => problem.describe?.() ?? String(problem) }), say(again, "retry"));
  }
  changed();
  watch();
}

// Show a document: update its row, or add one at the end or in the place of a file's row.
function put(doc, place = null) {
  let entry = entries.get(doc.id);
  if (!entry) {
    entry = { doc, row: createRow({ open, remove: confirmRemoval, retry: () => {} }) };
    entries.set(doc.id, entry);
    if (place) place.before(entry.row.node);
    else $("shelf").append(entry.row.node);
  }
  entry.doc = { ...entry.doc, ...doc };
  entry.row.update(entry.doc);
}

// A row for a file that is not sent yet. {update(changes), settle(document), remove()}
export function putLocal(file, retry) {
  const entry = { doc: { name: file.name, size: file.size, status: "waiting", progress: 0 } };
  const remove = () => {
    local.delete(entry);
    entry.row.node.remove();
    changed();
  };
  const dismiss = () => {
    remove();
    $("pick").focus();
  };
  entry.row = createRow({ open: () => {}, remove: dismiss, retry });
  entry.row.update(entry.doc);
  local.add(entry);
  $("shelf").prepend(entry.row.node);
  changed();
  return {
    remove,
    update: (changes) => {
      entry.doc = { ...entry.doc, ...changes };
      entry.row.update(entry.doc);
    },
    settle: (doc) => {
      local.delete(entry);
      put({ size: entry.doc.size, ...doc }, entry.row.node);
      entry.row.node.remove();
      changed();
      watch();
    },
  };
}

// Look again soon: something was added, or the person came back to the page.
export function watch() {
  delay = FIRST_DELAY;
  plan();
}

function plan() {
  clearTimeout(timer);
  if (document.hidden || !unfinished().length) return;
  timer = setTimeout(look, delay);
}

const unfinished = () => [...entries.values()].filter(({ doc }) => !isFinal(doc.status));

// Those being worked on come first; the queued ones take turns.
function nextToAsk() {
  const waiting = unfinished();
  const active = waiting.filter(({ doc }) => doc.status !== "queued");
  const queued = waiting.filter(({ doc }) => doc.status === "queued");
  const turn = queued.length ? round % queued.length : 0;
  round += Math.max(1, AT_ONCE - active.length);
  return [...active, ...queued.slice(turn), ...queued.slice(0, turn)].slice(0, AT_ONCE);
}

async function look() {
  const results = await Promise.all(nextToAsk().map(({ doc }) => refresh(doc)));
  const moved = results.some(Boolean);
  if (moved) changed();
  delay = moved ? FIRST_DELAY : Math.min(delay * 1.5, LONGEST_DELAY);
  plan();
}

// True when the document has moved on since it was last seen.
async function refresh(before) {
  try {
    const doc = await getJson(`v1/documents/${encodeURIComponent(before.id)}`);
    if (!entries.has(before.id)) return false;
    put(doc);
    if (doc.status === "ready") announce(t("is_ready", { name: doc.name }));
    if (doc.status === "failed") {
      announce(t("has_failed", { name: doc.name, message: doc.error?.message ?? t("no_reason") }));
    }
    return doc.status !== before.status || doc.progress !== before.progress;
  } catch (problem) {
    if (problem.status !== 404) return false;
    drop(before.id);
    return true;
  }
}

function open(doc) {
  openPage({ document_id: doc.id, document: doc.name, page: 1, page_kind: doc.page_kind });
}

function drop(id) {
  entries.get(id)?.row.node.remove();
  entries.delete(id);
}

function confirmRemoval(doc) {
  const dialog = $("confirm");
  say($("confirm-title"), "delete_title", { name: doc.name });
  $("confirm-no").onclick = () => dialog.close();
  $("confirm-yes").onclick = () => {
    dialog.close();
    removeDocument(doc);
  };
  dialog.showModal();
  $("confirm-no").focus();
}

async function removeDocument(doc) {
  const entry = entries.get(doc.id);
  try {
    await call(`v1/documents/${encodeURIComponent(doc.id)}`, { method: "DELETE" });
  } catch (problem) {
    if (problem.status !== 404) {
      entry?.row.update({ ...entry.doc, status: "failed", reason: () => problem.describe() });
      return;
    }
  }
  const neighbour = entry?.row.node.nextElementSibling ?? entry?.row.node.previousElementSibling;
  drop(doc.id);
  changed();
  announce(t("deleted", { name: doc.name }));
  (neighbour?.querySelector(":scope > button") ?? $("documents-title")).focus();
}

function changed() {
  const known = count();
  if (known && !cursor) say($("tally"), "as_is", { text: () => String(known) });
  else plain($("tally"), known ? `${known}+` : "");
  $("filter").hidden = known < FILTER_FROM;
  applyFilter();
  onChange();
}

function applyFilter() {
  const wanted = $("filter").hidden ? "" : $("filter").value.trim().toLowerCase();
  for (const { doc, row } of [...entries.values(), ...local]) {
    row.node.hidden = !doc.name.toLowerCase().includes(wanted);
  }
}
