/**
 * Where every way in ends: the input is checked against the contract's schema before a handler sees it, read-only mode and the roles of
 * computers are enforced here and not in any page, and what a caller is told of a mistake of ours is no more than it needs.
 */
import { CoterieError } from '../base/errors.ts';
import { type MethodInput, type MethodName, type MethodOutput, methods } from '../contract/api.ts';
import { outwardError } from '../ports/outward-error.ts';
import type { Handlers, HostActions } from './api-handlers.ts';
import type { Caller } from './caller.ts';

/** `mayNot`: why the computer at which somebody asks may not do that, null: it may; absent: it is in no cluster, and has no role. */
type Around = Pick<HostActions, 'readOnly' | 'log'> & Partial<Pick<HostActions, 'mayNot'>>;

/** Checks the input and runs the method; every way in ends here. */
export async function dispatch(
  handlers: Handlers,
  host: Around,
  method: string,
  input: unknown,
  caller: Caller = { sessionId: null, name: 'Coterie itself' },
): Promise<unknown> {
  if (!Object.hasOwn(methods, method)) {
    throw new CoterieError(
      'unsupported',
      `There is no method "${method}". Is this app newer than the cluster?`,
    );
  }
  const name = method as MethodName;
  if (host.readOnly && methods[name].changes) {
    throw new CoterieError(
      'unauthorized',
      'This host is in read-only mode: nothing can be changed from here.',
    );
  }
  const refusal = host.mayNot?.(name, caller) ?? null;
  if (refusal !== null) {
    // Its own host should not have let that through: it knows another layout, or somebody changed it.
    if (caller.from !== undefined)
      host.log.warn('Another computer was refused.', { computer: caller.from, method });
    throw new CoterieError('unauthorized', refusal);
  }
  const parsed = methods[name].input.safeParse(input ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
    throw new CoterieError('bad-input', `${where}${issue.message}`);
  }
  const handler = handlers[name] as (checked: unknown, caller: Caller) => Promise<unknown>;
  try {
    return await handler(parsed.data, caller);
  } catch (cause) {
    throw outwardError(cause, host.log, method);
  }
}

/** A typed front for callers in the same process. */
export function typedCall(handlers: Handlers, host: Around) {
  return <M extends MethodName>(method: M, input: MethodInput<M>): Promise<MethodOutput<M>> =>
    dispatch(handlers, host, method, input) as Promise<MethodOutput<M>>;
}
