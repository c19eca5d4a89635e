/**
 * JSON from outside, read only when it has few parts. What is read from text takes up to fifty times the text's memory and a second for
 * each ten million parts, `[{},{},…]`, and nothing else happens meanwhile: a text of 90 MiB stopped the process for a minute. A
 * long text in few parts, as a value in base64, costs next to nothing.
 */
import { CoterieError } from './errors.ts';

/** A tenth of a second and some 30 MiB; the longest that is ever sent in earnest has a few thousand. */
export const jsonPartsMax = 250_000;

const quote = 0x22;
const backslash = 0x5c;
const openList = 0x5b;
const openObject = 0x7b;
const comma = 0x2c;

/** Throws `too-large` for more parts than that, SyntaxError for what is no JSON. */
export function parseBoundedJson(bytes: Buffer): unknown {
  if (hasMoreParts(bytes, jsonPartsMax)) {
    throw new CoterieError('too-large', `This JSON has more than ${jsonPartsMax} parts.`);
  }
  return JSON.parse(bytes.toString());
}

/** Whether lists, objects and what stands in them are more than `countMax` together. */
function hasMoreParts(bytes: Buffer, countMax: number): boolean {
  // Each takes a byte at least.
  if (bytes.length <= countMax) return false;
  let count = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (byte === quote) {
      index = endOfString(bytes, index + 1);
      continue;
    }
    if (byte !== comma && byte !== openList && byte !== openObject) continue;
    count += 1;
    if (count > countMax) return true;
  }
  return false;
}

/** The index of the quote that ends the string; the end of all where there is none. */
function endOfString(bytes: Buffer, start: number): number {
  let end = bytes.indexOf(quote, start);
  while (end >= 0 && isEscaped(bytes, start, end)) end = bytes.indexOf(quote, end + 1);
  return end < 0 ? bytes.length : end;
}

function isEscaped(bytes: Buffer, start: number, index: number): boolean {
  let first = index;
  while (first > start && bytes[first - 1] === backslash) first -= 1;
  return (index - first) % 2 === 1;
}
