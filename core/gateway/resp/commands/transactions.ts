/**
 * MULTI, EXEC, DISCARD, WATCH. What a transaction is here, and what it is not, is in README.md under "Transactions": commands on keys of
 * one slot, decided at one moment by the first healthy replica of that slot, whole or not at all on each replica.
 */

import { word } from '../arguments.ts';
import { type Command, defineCommand, needs, oneKey } from '../command.ts';
import { CommandError } from '../errors.ts';
import { bulkOf, isErrorReply, runPart, runParts } from '../parts.ts';
import { checkPermission } from '../permissions.ts';
import { Request } from '../request.ts';
import {
  answerAll,
  batchWords,
  executeBatch,
  failuresIn,
  runQueued,
  workBytesOf,
} from '../transactions/batch.ts';
import type { Queued, Transaction } from '../transactions/transaction.ts';
import { readKey } from './strings.ts';

/** Only a client's own connection has one: a queued UNWATCH has nothing to do any more. */
function transactionOf(request: Request): Transaction {
  return request.sink.client!.transaction;
}

function multi(request: Request): void {
  const transaction = transactionOf(request);
  if (transaction.isOpen) throw new CommandError('ERR MULTI calls can not be nested');
  transaction.open();
  request.ok();
}

function discard(request: Request): void {
  const transaction = transactionOf(request);
  if (!transaction.isOpen) throw new CommandError('ERR DISCARD without MULTI');
  transaction.end();
  request.ok();
}

function unwatch(request: Request): void {
  if (request.sink.client !== null) transactionOf(request).unwatch();
  request.ok();
}

const wordContext = word('ct.context');

function watch(request: Request): void {
  const { argv, session } = request;
  const transaction = transactionOf(request);
  if (transaction.isOpen) throw new CommandError('ERR WATCH inside MULTI is not allowed');
  const keys = argv.slice(1).filter((key) => !transaction.isWatched(key));
  transaction.mayWatch(session.keyspace.id, keys);
  let next = 0;
  runParts(
    request,
    {
      count: keys.length,
      at: (index) => [wordContext, keys[index]],
      visit: (reply) => {
        const [expiry, context] = bulkOf(reply)!.toString('latin1').split(' ');
        transaction.watch({ key: keys[next++], context, expiresAtMs: Number(expiry) });
      },
    },
    () => request.ok(),
  );
}

function exec(request: Request): void {
  const { session, sink } = request;
  const transaction = transactionOf(request);
  if (!transaction.isOpen) throw new CommandError('ERR EXEC without MULTI');
  const { isSpoiled, queued, watched, keyspace } = transaction;
  transaction.end();
  if (isSpoiled) {
    throw new CommandError('EXECABORT Transaction discarded because of previous errors.');
  }
  // Rights may have changed since they were queued.
  if (sink.client!.identity.isLimited) {
    for (const { command, argv } of queued) {
      const again = new Request(request.gateway, session, argv, sink);
      again.command = command;
      checkPermission(again, sink.client!.identity);
    }
  }
  const words = batchWords(queued, watched);
  if (words === null) {
    const replies = runQueued(request, queued, session);
    noteExecuted(request, queued, (index) => isErrorReply(replies[index]));
    answerAll(request, replies);
  } else if (keyspace !== session.keyspace.id) {
    throw new CommandError('CROSSSLOT The keys were watched in another keyspace than the one selected now.');
  } else {
    runPart(request, words, (reply) => {
      const failed = failuresIn(reply);
      if (failed !== null) noteExecuted(request, queued, (index) => failed.has(index));
      request.raw(reply);
    });
  }
}

function noteExecuted(
  { gateway, startedAtMs }: Request,
  queued: readonly Queued[],
  hasFailed: (index: number) => boolean,
): void {
  gateway.watch.executed(queued, { durationMs: gateway.clock.monotonicMs() - startedAtMs, hasFailed });
}

/** CT.CONTEXT key: what WATCH remembers of it, behind the moment at which the first of its values expires (0: none does). */
function context(request: Request): void {
  readKey(request, (result) => {
    const expiries = result.siblings.flatMap(({ expiresAtMs }) => (expiresAtMs === 0 ? [] : [expiresAtMs]));
    const firstMs = expiries.length === 0 ? 0 : Math.min(...expiries);
    request.text(`${firstMs} ${result.context()}`);
  });
}

const internal = { keys: oneKey, internal: true } as const;
const group = 'transactions';

export const transactionCommands: readonly Command[] = [
  defineCommand(group, 'multi', 1, ['noscript', 'loading', 'stale', 'fast'], multi, {
    need: needs.nothing,
    since: '1.2.0',
    summary: 'Starts a transaction: commands on keys of one slot, done together by EXEC.',
  }),
  defineCommand(group, 'exec', 1, ['noscript', 'loading', 'stale'], exec, {
    need: needs.nothing,
    since: '1.2.0',
    summary:
      'Does what was queued since MULTI, as one: whole or not at all on each replica. Across a partition two sides that both have enough replicas for the level may both do theirs.',
  }),
  defineCommand(group, 'discard', 1, ['noscript', 'loading', 'stale', 'fast'], discard, {
    need: needs.nothing,
    since: '2.0.0',
    summary: 'Forgets what was queued since MULTI.',
  }),
  defineCommand(group, 'watch', -2, ['readonly', 'noscript', 'loading', 'stale', 'fast'], watch, {
    keys: [1, -1, 1],
    kind: 'barrier',
    since: '2.2.0',
    summary: 'EXEC does nothing once one of these keys holds anything that was not there now.',
  }),
  defineCommand(group, 'unwatch', 1, ['noscript', 'loading', 'stale', 'fast'], unwatch, {
    need: needs.nothing,
    since: '2.2.0',
  }),
  defineCommand(group, 'ct.context', 2, ['readonly'], context, internal),
  defineCommand(group, 'ct.exec', -3, ['write'], executeBatch, {
    ...internal,
    exclusive: true,
    work: workBytesOf,
  }),
];
