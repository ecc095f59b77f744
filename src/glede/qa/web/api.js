// Calls to the service: keys, problem documents, uploads and server-sent events.

import { recall, remember, tab } from "./dom.js";
import { t } from "./i18n.js";

const KEY = "glede.key";
let askForKey = async () => ""; // set by key.js: resolves to a key, or to "" when the person gives up

export function onKeyNeeded(handler) {
  askForKey = handler;
}

export const setKey = (key) => remember(tab, KEY, key);
const storedKey = () => recall(tab, KEY);
const authorization = (key) => (key ? { Authorization: `Bearer ${key}` } : {});

// After a 401: is there another key to try? A second call under way may have brought one already.
const renewedKey = async (used) => (storedKey() !== used ? storedKey() : askForKey());

// What went wrong: `status` is 0 when the service was not reached; `wait` is Retry-After in seconds.
export class Problem extends Error {
  constructor(status, { title = "", detail = "", wait = 0, broken = false } = {}) {
    super(detail || title || String(status));
    Object.assign(this, { status, title, detail, wait, broken });
  }

  // A sentence for a person, in the language of the page where the service gave none.
  describe() {
    if (this.broken) return t("error_broken");
    if (this.status === 0) return t("error_network");
    if (this.status === 401) return t("error_key");
    if (this.status === 429) {
      return this.wait ? t("error_busy_wait", { seconds: this.wait }) : t("error_busy");
    }
    return this.detail || this.title || t("error_other", { status: this.status });
  }
}

// The problem in an event or a body: RFC 9457 members, with anything missing tolerated.
export function problemOf(body, status = 0, wait = 0) {
  const member = (name) => (typeof body?.[name] === "string" ? body[name] : "");
  return new Problem(body?.status ?? status, { title: member("title"), detail: member("detail"), wait });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// A call answered by a Response that is ok. A 401 asks the person for a key and tries again.
export async function call(path, { method = "GET", json, signal } = {}) {
  for (;;) {
    const key = storedKey();
    const headers = authorization(key);
    if (json !== undefined) headers["Content-Type"] = "application/json";
    const body = json === undefined ? undefined : JSON.stringify(json);
    let response;
    try {
      response = await fetch(path, { method, headers, body, signal, cache: "no-store" });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Problem(0);
    }
    if (response.ok) return response;
    const wait = Number(response.headers.get("Retry-After")) || 0;
    const problem = problemOf(parse(await response.text().catch(() => "")), response.status, wait);
    if (response.status !== 401 || !(await renewedKey(key))) throw problem;
  }
}

export const getJson = async (path) => (await call(path)).json();

// Send one file. `onProgress` hears a share from 0 to 1. Resolves to {known, document}: known when
// the same bytes were there already.
export async function upload(file, tags, onProgress) {
  for (;;) {
    const key = storedKey();
    const answer = await send(file, tags, key, onProgress);
    if (answer.status === 200 || answer.status === 202) {
      return { known: answer.status === 200, document: answer.body };
    }
    const problem = problemOf(answer.body, answer.status, answer.wait);
    if (answer.status !== 401 || !(await renewedKey(key))) throw problem;
  }
}

// XMLHttpRequest, because fetch cannot tell how much of a body has been sent.
function send(file, tags, key, onProgress) {
  const form = new FormData();
  form.append("file", file, file.name);
  if (tags) form.append("tags", tags);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "v1/documents");
    for (const [name, value] of Object.entries(authorization(key))) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total) onProgress(event.loaded / event.total);
    });
    request.addEventListener("error", () => reject(new Problem(0)));
    request.addEventListener("load", () => {
      const wait = Number(request.getResponseHeader("Retry-After")) || 0;
      resolve({ status: request.status, body: parse(request.responseText), wait });
    });
    request.send(form);
  });
}

// The events of a text/event-stream: {event, data}, data already read from JSON.
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  let lines = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      buffer += value ?? "";
      // A carriage return at the end may be half of a line end: it stays until more has come.
      const parts = buffer.split(done ? /\r\n|\n|\r/ : /\r\n|\n|\r(?!$)/);
      buffer = parts.pop();
      for (const line of parts) {
        if (line) {
          lines.push(line);
          continue;
        }
        const event = readEvent(lines);
        lines = [];
        if (event) yield event;
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function readEvent(lines) {
  let event = "message";
  const data = [];
  for (const line of lines) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
  return data.length ? { event, data: parse(data.join("\n")) } : null;
}
