// Small helpers for the document. Text from outside only ever becomes a text node.

export const $ = (id) => document.getElementById(id);

// An element with a class, children (nodes or strings, which become text) and attributes.
export function el(tag, className = "", children = [], attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...[children].flat());
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export function button(className, onClick) {
  const node = el("button", className, [], { type: "button" });
  node.addEventListener("click", onClick);
  return node;
}

// Tell a screen reader, without moving the focus.
export function announce(text) {
  const live = $("live");
  live.textContent = "";
  requestAnimationFrame(() => {
    live.textContent = text;
  });
}

// Storage may be forbidden by the browser; then nothing is remembered and the page still works.
// `storage` is a function, because reading the property itself may throw.
export function recall(storage, key) {
  try {
    return storage().getItem(key) ?? "";
  } catch {
    return "";
  }
}

export function remember(storage, key, value) {
  try {
    if (value === "") storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    // Forbidden or full: the value lives as long as the page.
  }
}

export const tab = () => window.sessionStorage;

export async function copy(text, host = document.body) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text, host);
  }
}

// Plain http outside localhost has no clipboard object. A modal dialog makes all outside it inert,
// so the text must be selected within `host`.
function copyBySelection(text, host) {
  const focused = document.activeElement;
  const area = el("textarea", "unseen");
  area.value = text;
  host.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return done;
}
