/** What a request for a key says beside the key: consistency level, expiry, and what a write goes by. Throws `bad-input`. */
import type { IncomingMessage } from 'node:http';
import { CoterieError } from '../../base/errors.ts';
import { type ConsistencyLevel, consistencyLevels, parseConsistencyLevel } from '../../base/levels.ts';
import type { RemoteWrite } from '../../ports/remote-store.ts';
import { writeConditionOf } from './kv-conditions.ts';

export const contextHeader = 'X-Coterie-Context';
export const consistencyHeader = 'X-Coterie-Consistency';

type Request = Pick<IncomingMessage, 'url' | 'headers'>;

/** The one value of a parameter of the query; undefined: it is not there. */
function parameterOf({ url = '' }: Request, name: string): string | undefined {
  const mark = url.indexOf('?');
  const values = mark < 0 ? [] : new URLSearchParams(url.slice(mark)).getAll(name);
  if (values.length > 1) throw new CoterieError('bad-input', `${name} is there twice. Send one.`);
  return values[0];
}

/** Shown on one line, and short. */
const shown = (text: string) => JSON.stringify(text.slice(0, 64));

function parseLevel(text: string): ConsistencyLevel {
  const level = parseConsistencyLevel(text);
  if (level !== undefined) return level;
  throw new CoterieError(
    'bad-input',
    `${shown(text)} is no consistency level. Use one of ${consistencyLevels.join(', ')}.`,
  );
}

export function levelOf(request: Request): ConsistencyLevel | undefined {
  const header = request.headers[consistencyHeader.toLowerCase()];
  const given = [parameterOf(request, 'consistency'), header?.toString()].flatMap((text) =>
    text === undefined ? [] : [parseLevel(text)],
  );
  if (new Set(given).size > 1) {
    throw new CoterieError(
      'bad-input',
      `The query says ${given[0]}, and ${consistencyHeader} says ${given[1]}. Send one of them.`,
    );
  }
  return given[0];
}

export function expiryOf(request: Request): number | undefined {
  const text = parameterOf(request, 'ttl');
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,9}$/.test(text)) {
    throw new CoterieError('bad-input', 'ttl is a whole number of seconds, 1 or more.');
  }
  return Number(text);
}

/**
 * Undefined, all of them: what is there is replaced. An empty context is that of who has read nothing: the write stands beside
 * whatever is there.
 */
export function basisOf({ headers }: Request): Pick<RemoteWrite, 'condition' | 'context'> {
  const condition = writeConditionOf(headers);
  const context = headers[contextHeader.toLowerCase()]?.toString();
  if (condition !== undefined && context !== undefined) {
    throw new CoterieError(
      'bad-input',
      `Send ${contextHeader}, to replace what you have read, or a condition, to be refused where anything else is there; not both.`,
    );
  }
  return { condition, context };
}
