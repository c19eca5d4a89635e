/** Mistakes of our own are told from conditions of operation: in the log with their stack, to the caller in one plain sentence. */
import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import type { Handlers } from '../../../core/host/api-handlers.ts';
import { dispatch } from '../../../core/host/dispatch.ts';
import type { Log } from '../../../core/ports/log.ts';
import { outwardError } from '../../../core/ports/outward-error.ts';

function recordingLog(): Log & { readonly errors: Record<string, unknown>[] } {
  const errors: Record<string, unknown>[] = [];
  return { errors, info() {}, warn() {}, error: (_, facts) => errors.push(facts ?? {}) };
}

function failingWith(cause: unknown): Handlers {
  return { 'cluster.snapshot': () => Promise.reject(cause) } as unknown as Handlers;
}

describe('a method that fails', () => {
  it('for a mistake of ours answers `internal` in plain words, and the log has the stack', async () => {
    const log = recordingLog();
    const cause = new TypeError("Cannot read properties of undefined (reading 'x')");
    const answer = dispatch(failingWith(cause), { readOnly: false, log }, 'cluster.snapshot', {});
    await expect(answer).rejects.toMatchObject({
      code: 'internal',
      message: expect.not.stringContaining('properties'),
    });
    expect(log.errors).toEqual([{ during: 'cluster.snapshot', stack: cause.stack }]);
  });

  it('for a condition of operation answers that', async () => {
    const log = recordingLog();
    const cause = new CoterieError('busy', 'Try again.');
    const answer = dispatch(failingWith(cause), { readOnly: false, log }, 'cluster.snapshot', {});
    await expect(answer).rejects.toBe(cause);
    expect(log.errors).toEqual([]);
  });
});

describe('a caller that goes away while it sends', () => {
  it('is no mistake of ours', () => {
    const log = recordingLog();
    const gone = Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    expect(outwardError(gone, log, 'a request').code).toBe('unavailable');
    expect(log.errors).toEqual([]);
  });
});
