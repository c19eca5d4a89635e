/**
 * Conditional requests (RFC 9110, section 13). The ETag of a key is its causal context, the same for one value and for siblings,
 * so whoever has read can write on just that. The conditions of writes are decided where the write is coordinated, not here:
 * between a read here and a write there somebody else may write. Dates are no conditions: none is kept that programs could go by.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { CoterieError } from '../../base/errors.ts';
import type { RemoteChange, WriteCondition } from '../../ports/remote-store.ts';
import { failure } from './failures.ts';

const quoted = /^"[\x21\x23-\x7e\x80-\xff]*"$/;
const weakPrefix = /^W\//;

export function etagOf(context: string): string {
  return `"${context}"`;
}

/** Throws `bad-input` for what is no condition, and for more than one. */
export function writeConditionOf(headers: IncomingHttpHeaders): WriteCondition | undefined {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined && noneMatch !== undefined) {
    throw new CoterieError('bad-input', 'Send If-Match or If-None-Match, not both.');
  }
  if (noneMatch !== undefined) {
    if (noneMatch.trim() === '*') return 'absent';
    throw new CoterieError(
      'bad-input',
      'A write takes If-None-Match: * alone, for a key that must hold no value yet. To replace what you have read, send its ETag as If-Match.',
    );
  }
  if (match === undefined) return undefined;
  const tag = match.trim();
  if (tag === '*') return 'present';
  if (!quoted.test(tag.replace(weakPrefix, ''))) {
    throw new CoterieError(
      'bad-input',
      'If-Match is * or one ETag, in double quotes, as a read answered it.',
    );
  }
  // Compared strongly, a weak one is never the same: it covers nothing.
  return { context: weakPrefix.test(tag) ? '' : tag.slice(1, -1) };
}

/** Null: the read is answered as it is. */
export function statusByConditions(headers: IncomingHttpHeaders, etag: string | null): 304 | 412 | null {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined && !lists(match, etag, false)) return 412;
  return noneMatch !== undefined && lists(noneMatch, etag, true) ? 304 : null;
}

function lists(header: string, etag: string | null, weakly: boolean): boolean {
  if (etag === null) return false;
  if (header.trim() === '*') return true;
  // A context has no comma.
  const tags = header.split(',').map((tag) => tag.trim());
  return tags.some((tag) => (weakly ? tag.replace(weakPrefix, '') : tag) === etag);
}

/** The answer to a change whose condition did not hold. */
export function refusedChange(
  condition: WriteCondition,
  { context, found }: Omit<RemoteChange, 'written'>,
): Response {
  let words = 'The key holds no value. To create it, write with If-None-Match: *.';
  if (condition === 'absent')
    words = 'The key holds a value already. Read it, then write with its ETag as If-Match.';
  else if (found > 0)
    words = 'The key is not what that ETag stands for any more. Read it again, then write with the new ETag.';
  return conditionFailed(words, found > 0 ? context : null);
}

/** `context`: of what is there now; null: nothing is. */
export function conditionFailed(words: string, context: string | null): Response {
  const response = failure(new CoterieError('condition-failed', words));
  if (context !== null) response.headers.set('ETag', etagOf(context));
  return response;
}
