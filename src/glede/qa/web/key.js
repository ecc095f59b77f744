// The dialog that asks for a key. Several calls refused at once share one question.

import { onKeyNeeded, setKey } from "./api.js";
import { $, recall, tab } from "./dom.js";

let asking = null;
let listeners = [];

// Hear when another key is used: what belongs to the old one must leave the page.
export const onKeyChange = (listener) => listeners.push(listener);

function ask() {
  const dialog = $("key");
  const field = $("key-value");
  const before = recall(tab, "glede.key");
  $("key-wrong").hidden = !before;
  field.value = "";
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    const finish = (key) => {
      if (key) setKey(key);
      if (key && before && key !== before) for (const listener of listeners) listener();
      if (dialog.open) dialog.close();
      asking = null;
      resolve(key);
    };
    $("key-form").onsubmit = (event) => {
      event.preventDefault();
      if (field.value.trim()) finish(field.value.trim());
    };
    $("key-no").onclick = () => finish("");
    dialog.onclose = () => asking && finish("");
  });
}

export function startKey() {
  onKeyNeeded(() => {
    asking ??= ask();
    return asking;
  });
}
