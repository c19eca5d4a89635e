import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { createHandlers, type HostActions } from '../../../core/host/api-handlers.ts';
import { dispatch } from '../../../core/host/dispatch.ts';
import { LogCapture } from '../../support/log-capture.ts';

/** A host whose snapshot fails with `cause`. */
function failingHost(cause: Error): HostActions {
  const snapshot = () => {
    throw cause;
  };
  return { readOnly: false, log: new LogCapture(), view: { snapshot } } as unknown as HostActions;
}

async function failureOf(cause: Error): Promise<{ code: string; logged: number }> {
  const host = failingHost(cause);
  const error = await dispatch(createHandlers(host), host, 'cluster.snapshot', {}).catch(
    (thrown) => thrown as CoterieError,
  );
  return { code: (error as CoterieError).code, logged: (host.log as LogCapture).errors.length };
}

describe('a failed call', () => {
  it('is internal and logged when it is a mistake of ours', async () => {
    expect(await failureOf(new TypeError('x is undefined'))).toEqual({ code: 'internal', logged: 1 });
  });

  it('keeps the code of an operating condition, which is no matter for the log', async () => {
    expect(await failureOf(new CoterieError('busy', 'later'))).toEqual({ code: 'busy', logged: 0 });
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' });
    expect(await failureOf(full)).toEqual({ code: 'unavailable', logged: 0 });
  });
});
