/**
 * Patterns of KEYS and SCAN, as Redis's stringmatchlen: `*`, `?`, `[abc]`, `[^a-z]`, `\x`. Only the last star is ever
 * retried, which is enough for globs and makes the cost at worst pattern × text; Redis's recursion is exponential.
 */

const star = 0x2a;
const question = 0x3f;
const open = 0x5b;
const close = 0x5d;
const caret = 0x5e;
const dash = 0x2d;
const backslash = 0x5c;

export function globMatches(pattern: Uint8Array, text: Uint8Array): boolean {
  let patternIndex = 0;
  let textIndex = 0;
  let afterStar = -1;
  let retryFrom = 0;
  while (textIndex < text.length) {
    if (patternIndex < pattern.length) {
      if (pattern[patternIndex] === star) {
        patternIndex += 1;
        afterStar = patternIndex;
        retryFrom = textIndex;
        continue;
      }
      const next = matchOne(pattern, patternIndex, text[textIndex]);
      if (next >= 0) {
        patternIndex = next;
        textIndex += 1;
        continue;
      }
    }
    if (afterStar < 0) return false;
    patternIndex = afterStar;
    retryFrom += 1;
    textIndex = retryFrom;
  }
  while (patternIndex < pattern.length && pattern[patternIndex] === star) patternIndex += 1;
  return patternIndex === pattern.length;
}

/** The index behind the pattern's next element when it matches the byte; -1 when it does not. */
function matchOne(pattern: Uint8Array, start: number, byte: number): number {
  const element = pattern[start];
  if (element === question) return start + 1;
  if (element === open) return matchClass(pattern, start + 1, byte);
  if (element === backslash && start + 1 < pattern.length) {
    return pattern[start + 1] === byte ? start + 2 : -1;
  }
  return element === byte ? start + 1 : -1;
}

/** A class without its closing bracket ends with the pattern, as in Redis. */
function matchClass(pattern: Uint8Array, start: number, byte: number): number {
  let index = start;
  const negated = pattern[index] === caret;
  if (negated) index += 1;
  let matched = false;
  while (index < pattern.length && pattern[index] !== close) {
    if (pattern[index] === backslash && index + 1 < pattern.length) {
      index += 1;
      if (pattern[index] === byte) matched = true;
    } else if (index + 2 < pattern.length && pattern[index + 1] === dash) {
      const low = Math.min(pattern[index], pattern[index + 2]);
      const high = Math.max(pattern[index], pattern[index + 2]);
      if (byte >= low && byte <= high) matched = true;
      index += 2;
    } else if (pattern[index] === byte) {
      matched = true;
    }
    index += 1;
  }
  if (matched === negated) return -1;
  return Math.min(index + 1, pattern.length);
}
