// Start of the page: words first, then what the service says of itself, then its documents.

import { getJson } from "./api.js";
import { setQuestionLimit, showExamples, showScope, startAsk, turnCount } from "./ask.js";
import { count, startDocuments, tags } from "./documents.js";
import { $ } from "./dom.js";
import { bytes, langOf, nameOf, other, say, setLanguage, startLanguage, t } from "./i18n.js";
import { startKey } from "./key.js";
import { setLimits, startUploads } from "./uploads.js";
import { startViewer } from "./viewer.js";

let loaded = false; // whether the list of documents has been fetched once

function showLanguage() {
  const node = $("language");
  node.textContent = nameOf(other());
  node.lang = langOf(other());
}

function showInfo(info) {
  const accepts = info.accepts ?? [];
  const size = info.limits?.upload_bytes ?? 0;
  setLimits(accepts, size);
  setQuestionLimit(info.limits?.question_chars ?? 0);
  showExamples(info.examples ?? []);
  say($("drop-hint"), "drop_hint", { kinds: accepts.join(" "), size: () => bytes(size) });
  say($("motto"), info.answers === "written" ? "motto_written" : "motto_extractive");
  const retrieval = info.retrieval === "hybrid" ? "retrieval_hybrid" : "retrieval_lexical";
  say($("about"), "about", { version: info.version, retrieval: () => t(retrieval) });
}

// What is offered depends on what is there: nothing to ask before the first document.
function arrange() {
  $("start").hidden = !loaded || count() > 0;
  $("answers").hidden = turnCount() === 0;
  $("examples").hidden = !count() || turnCount() > 0 || !$("example-list").children.length;
  showScope(tags());
}

async function start() {
  startLanguage();
  showLanguage();
  $("language").addEventListener("click", () => {
    setLanguage(other());
    showLanguage();
  });
  startKey();
  startViewer();
  startUploads();
  startAsk(arrange);
  // A service that is away is reported by the shelf, and files are then sent unchecked.
  getJson("v1/info").then(showInfo, () => setLimits([], 0));
  await startDocuments(arrange);
  loaded = true;
  arrange();
}

start();
