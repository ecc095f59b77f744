// Positions in text. The service counts Unicode code points; a JavaScript string counts UTF-16 units.

// The UTF-16 index of the code point number `points`, at most the length of the text.
export function unitIndex(text, points) {
  let index = 0;
  for (let n = 0; n < points && index < text.length; n += 1) {
    index += text.codePointAt(index) > 0xffff ? 2 : 1;
  }
  return index;
}

export const pointCount = (text) => [...text].length;

// [before, quote, after] of a page for a citation, or null when its words are not there.
// The quote at its place wins; the same words elsewhere on the page are the second best.
export function cutQuote(text, { start, end, quote }) {
  const from = unitIndex(text, start);
  const to = unitIndex(text, end);
  if (to > from && (!quote || text.slice(from, to) === quote)) {
    return [text.slice(0, from), text.slice(from, to), text.slice(to)];
  }
  const found = quote ? text.indexOf(quote) : -1;
  if (found < 0) return null;
  const last = found + quote.length;
  return [text.slice(0, found), quote, text.slice(last)];
}

// Split an answer at its markers: [{text}, {marker: 1}, …], for the numbers known; a number that
// is not a source stays text.
export function splitMarkers(text, known) {
  const pieces = [];
  let last = 0;
  for (const match of text.matchAll(/\[(\d{1,3})\]/g)) {
    const n = Number(match[1]);
    if (!known.has(n)) continue;
    if (match.index > last) pieces.push({ text: text.slice(last, match.index) });
    pieces.push({ marker: n });
    last = match.index + match[0].length;
  }
  if (last < text.length) pieces.push({ text: text.slice(last) });
  return pieces;
}

// The part of a growing answer that can be shown: a marker cut in two waits for its other half.
export const settled = (text) => text.replace(/\[\d{0,3}$/, "");

// The spans [from, to) of the sentences without support within the answer. Markers and white space
// are passed over, since a sentence may be given without them.
export function unsupportedSpans(answer, sentences) {
  const flat = flatten(answer);
  const spans = [];
  let cursor = 0;
  for (const sentence of sentences) {
    const words = flatten(sentence.text).text;
    const at = words ? flat.text.indexOf(words, cursor) : -1;
    if (at < 0) continue;
    cursor = at + words.length;
    if (!sentence.supported) spans.push([flat.index[at], flat.index[cursor - 1] + 1]);
  }
  return spans;
}

function flatten(text) {
  const index = [];
  let flat = "";
  const skip = /\[\d{1,3}\]|\s+/y;
  for (let i = 0; i < text.length; ) {
    skip.lastIndex = i;
    const match = skip.exec(text);
    if (match) {
      i += match[0].length;
      continue;
    }
    flat += text[i];
    index.push(i);
    i += 1;
  }
  return { text: flat, index };
}
