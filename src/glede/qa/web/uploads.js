// Adding files: the picker, drag and drop anywhere on the page, and the queue that sends them.

import { Problem, upload } from "./api.js";
import { $, announce } from "./dom.js";
import { putLocal } from "./documents.js";
import { bytes, t } from "./i18n.js";

const AT_ONCE = 2;
const BUSY_TRIES = 20; // how often a file waits for a busy service before it gives up

let limits = { kinds: [], bytes: 0 };
let tell;
const told = new Promise((resolve) => (tell = resolve)); // what is taken is known, or cannot be
const queue = [];
let sending = 0;

// `accepts` are extensions with their dot, `uploadBytes` the largest file taken (0: not known).
export function setLimits(accepts, uploadBytes) {
  limits = { kinds: accepts, bytes: uploadBytes };
  $("file").accept = accepts.join(",");
  tell();
}

export function startUploads() {
  for (const id of ["pick", "start-pick"]) $(id).addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    add([...$("file").files]);
    $("file").value = "";
  });
  startDropping();
}

function startDropping() {
  const veil = $("veil");
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  addEventListener("drop", async (event) => {
    veil.hidden = true;
    if (!carriesFiles(event)) return;
    event.preventDefault();
    add(await filesOf(event.dataTransfer));
  });
}

// The files dropped, with those inside dropped folders that are of a kind read here. The transfer
// is empty after the first await, so everything is taken from it at once.
async function filesOf(transfer) {
  const files = [...transfer.files];
  const folders = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter((e) => e?.isDirectory);
  if (!folders.length) return files;
  const names = new Set(folders.map((folder) => folder.name));
  const found = (await Promise.all(folders.map(walk))).flat();
  await told;
  const inside = found.filter((file) => isRead(file.name));
  return [...files.filter((file) => !names.has(file.name)), ...inside];
}

async function walk(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return (await Promise.all(found.map(walk))).flat();
    found.push(...some);
  }
}

const isRead = (name) => {
  const lower = name.toLowerCase();
  return !limits.kinds.length || limits.kinds.some((kind) => lower.endsWith(kind.toLowerCase()));
};

// Why a file need not be sent, as a function of the language, or null.
function refusal(file) {
  if (!isRead(file.name)) return () => t("kind_refused", { kinds: limits.kinds.join(" ") });
  if (file.size === 0) return () => t("empty_file");
  if (limits.bytes && file.size > limits.bytes) {
    return () => t("too_large", { size: bytes(file.size), limit: bytes(limits.bytes) });
  }
  return null;
}

async function add(files) {
  const tags = $("tags").value.trim();
  // The last row added stands on top, so the first file goes in last.
  const jobs = files.toReversed().map((file) => {
    const job = { file, tags };
    job.row = putLocal(file, () => retry(job));
    return job;
  });
  await told;
  for (const job of jobs) {
    const reason = refusal(job.file);
    if (reason) refuse(job, reason, false);
    else queue.unshift(job);
  }
  pump();
}

function retry(job) {
  $("pick").focus(); // the button pressed is about to be hidden
  job.row.update({ status: "waiting", progress: 0 });
  queue.push(job);
  pump();
}

function refuse(job, reason, again) {
  job.row.update({ status: "refused", reason, again });
  announce(t("has_failed", { name: job.file.name, message: reason() }));
}

function pump() {
  while (sending < AT_ONCE && queue.length) {
    sending += 1;
    deliver(queue.shift()).finally(() => {
      sending -= 1;
      pump();
    });
  }
}

async function deliver(job) {
  for (let attempt = 1; ; attempt += 1) {
    job.row.update({ status: "sending", progress: 0 });
    try {
      const { known, document } = await upload(job.file, job.tags, (share) => {
        job.row.update({ progress: share });
      });
      job.row.settle(document);
      if (known) announce(t("is_known", { name: document.name }));
      return;
    } catch (problem) {
      if (problem.status !== 429 || attempt >= BUSY_TRIES) {
        const known = problem instanceof Problem;
        const lasting = known && problem.status >= 400 && problem.status < 500 && problem.status !== 401;
        refuse(job, () => (known ? problem.describe() : String(problem)), !lasting || problem.status === 429);
        return;
      }
      job.row.update({ status: "waiting" });
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(problem.wait || 2, 30)));
    }
  }
}
