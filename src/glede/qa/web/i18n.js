// Words of the interface: which language, and which node shows which of them.

import { en } from "./en.js";
import { zh } from "./zh.js";
import { recall, remember } from "./dom.js";

const WORDS = { en, zh };
const LANG = { en: "en", zh: "zh-CN" };
const said = new WeakMap(); // node -> Map(attribute or "" for its text -> [key, params])
let current = "en";

export const language = () => current;
export const other = () => (current === "en" ? "zh" : "en");
export const nameOf = (lang) => WORDS[lang].name;
export const langOf = (lang) => LANG[lang];

// The words of `key`. A parameter may be a function, for what depends on the language itself.
export function t(key, params = {}) {
  const words = WORDS[current];
  let text = words[key];
  if (text === undefined && "count" in params) {
    const form = new Intl.PluralRules(LANG[current]).select(params.count);
    text = words[`${key}_${form}`] ?? words[`${key}_other`];
  }
  if (text === undefined) throw new Error(`no words for "${key}" in ${current}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = params[name];
    return String(typeof value === "function" ? value() : (value ?? ""));
  });
}

// Show words in a node (or in one of its attributes) and keep them right when the language changes.
export function say(node, key, params = {}, attribute = "") {
  if (!said.has(node)) said.set(node, new Map());
  said.get(node).set(attribute, [key, params]);
  node.setAttribute("data-said", "");
  write(node, key, params, attribute);
  return node;
}

// Show plain text that belongs to no language, such as a document's name.
export function plain(node, text) {
  said.get(node)?.delete("");
  node.textContent = text;
  return node;
}

function write(node, key, params, attribute) {
  const text = t(key, params);
  if (attribute) node.setAttribute(attribute, text);
  else if (node.textContent !== text) node.textContent = text;
}

export function number(value, options = {}) {
  return new Intl.NumberFormat(LANG[current], options).format(value);
}

export function bytes(size) {
  const units = ["B", "KB", "MB", "GB"];
  let value = size;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(value, { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 })} ${units[unit]}`;
}

export function setLanguage(lang) {
  current = lang;
  remember(localStorage_, "glede.language", lang);
  document.documentElement.lang = LANG[lang];
  for (const node of document.querySelectorAll("[data-said]")) {
    for (const [attribute, [key, params]] of said.get(node) ?? []) write(node, key, params, attribute);
  }
}

const localStorage_ = () => window.localStorage;

// Adopt the nodes of index.html (data-t, data-t-ATTRIBUTE) and choose the language.
export function startLanguage() {
  const remembered = recall(localStorage_, "glede.language");
  current = remembered in WORDS ? remembered : /^zh\b/i.test(navigator.language) ? "zh" : "en";
  document.documentElement.lang = LANG[current];
  for (const node of document.querySelectorAll("[data-t]")) say(node, node.dataset.t);
  for (const attribute of ["placeholder", "aria-label"]) {
    for (const node of document.querySelectorAll(`[data-t-${attribute}]`)) {
      say(node, node.getAttribute(`data-t-${attribute}`), {}, attribute);
    }
  }
}
