// The question box, the stream of an answer and the questions of this session.

import { call, events, Problem, problemOf } from "./api.js";
import { $, announce, button, el, recall, remember, tab } from "./dom.js";
import { plain, say, t } from "./i18n.js";
import { onKeyChange } from "./key.js";
import { pointCount } from "./text.js";
import { createTurn } from "./turns.js";

const HISTORY = "glede.history";
const REMEMBERED = 20; // answers that survive a reload of the tab

let limit = 0;
let running = null; // AbortController of the answer under way
let chosen = new Set(); // tags the next question is limited to
let history = []; // newest last: {question, tags, result}
const turns = []; // newest last
let onChange = () => {};

export const turnCount = () => turns.length;

export function startAsk(changed) {
  onChange = changed;
  const box = $("question");
  $("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  box.addEventListener("keydown", (event) => {
    // While an input method composes, Enter chooses a candidate (229: the same in older browsers).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  box.addEventListener("input", showCount);
  $("stop").addEventListener("click", () => running?.abort());
  $("clear").addEventListener("click", clear);
  onKeyChange(clear);
  restore();
}

export function setQuestionLimit(characters) {
  limit = characters;
  showCount();
}

export function showExamples(examples) {
  const items = examples.map((example) => {
    const node = button("example", () => ask(example, [...chosen]));
    node.textContent = example;
    return el("li", "", node);
  });
  $("example-list").replaceChildren(...items);
}

// Offer the tags of the shelf as a limit for questions.
export function showScope(tags) {
  chosen = new Set([...chosen].filter((tag) => tags.includes(tag)));
  const chips = tags.map((tag) => {
    const node = button("chip", () => toggle(tag));
    node.textContent = tag;
    node.dataset.tag = tag;
    return node;
  });
  const all = say(button("chip", () => toggle(null)), "scope_all");
  const same = [...$("scope").children].slice(1).map((node) => node.dataset.tag).join("\n") === tags.join("\n");
  if (!same) $("scope").replaceChildren(all, ...chips);
  $("scope").hidden = !tags.length;
  pressChips();
}

function toggle(tag) {
  if (tag === null) chosen.clear();
  else if (!chosen.delete(tag)) chosen.add(tag);
  pressChips();
}

function pressChips() {
  for (const chip of $("scope").children) {
    const pressed = chip.dataset.tag === undefined ? !chosen.size : chosen.has(chip.dataset.tag);
    chip.setAttribute("aria-pressed", String(pressed));
  }
}

function showCount() {
  const used = pointCount($("question").value);
  const over = limit > 0 && used > limit;
  const node = $("ask-count");
  node.classList.toggle("over", over);
  $("question").setAttribute("aria-invalid", String(over));
  if (!limit) plain(node, "");
  else say(node, over ? "too_long" : "count", { used, limit });
  return over;
}

function submit() {
  const question = $("question").value.trim();
  if (running || !question) return;
  if (showCount()) {
    announce($("ask-count").textContent);
    return;
  }
  $("question").value = "";
  showCount();
  ask(question, [...chosen]);
}

function addTurn(question, tags) {
  turns.at(-1)?.collapse();
  const again = ({ replace = false } = {}) => {
    if (running) return;
    if (replace) drop(turn);
    ask(question, tags);
  };
  const turn = createTurn(question, again);
  turns.push(turn);
  $("turns").prepend(turn.node);
  onChange();
  return turn;
}

function drop(turn) {
  turns.splice(turns.indexOf(turn), 1);
  turn.node.remove();
  $("question").focus();
}

async function ask(question, tags) {
  if (running) return;
  const turn = addTurn(question, tags);
  running = new AbortController();
  showRunning(true);
  announce(t("searching"));
  try {
    const result = await listen(turn, { question, stream: true, ...(tags.length ? { tags } : {}) });
    turn.finish(result);
    keep({ question, tags, result });
    announce(result.found ? result.answer : t("not_found_title"));
  } catch (error) {
    if (running.signal.aborted) turn.stop();
    else settleFailure(turn, error);
  } finally {
    running = null;
    showRunning(false);
  }
}

function settleFailure(turn, error) {
  if (!(error instanceof Problem)) console.error(error);
  const problem = error instanceof Problem ? error : new Problem(0, { broken: true });
  turn.fail(problem);
  announce(problem.describe());
}

// Follow the stream to its end; resolves to the data of the "done" event.
async function listen(turn, json) {
  const response = await call("v1/ask", { method: "POST", json, signal: running.signal });
  for await (const { event, data } of events(response)) {
    if (event === "citations") turn.sources(data.citations);
    else if (event === "delta") turn.grow(data.text);
    else if (event === "error") throw problemOf(data, 500);
    else if (event === "done") return data;
  }
  throw new Problem(0, { broken: true });
}

function showRunning(is) {
  const stop = $("stop");
  const hadFocus = document.activeElement === stop || document.activeElement === $("send");
  stop.hidden = !is;
  $("send").hidden = is;
  if (hadFocus) (is ? stop : $("question")).focus();
  for (const node of document.querySelectorAll(".example, .turn .retry")) {
    node.setAttribute("aria-disabled", String(is));
  }
}

function keep(entry) {
  history = [...history, entry].slice(-REMEMBERED);
  remember(tab, HISTORY, JSON.stringify(history));
}

function restore() {
  try {
    history = JSON.parse(recall(tab, HISTORY) || "[]");
    for (const { question, tags, result } of history) addTurn(question, tags).finish(result);
  } catch {
    clear(); // kept by another version of the page
  }
}

function clear() {
  running?.abort();
  history = [];
  turns.length = 0;
  remember(tab, HISTORY, "");
  $("turns").replaceChildren();
  onChange();
  $("question").focus();
}
