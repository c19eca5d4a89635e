/**
 * Changes of users that a program asks for over Redis, at a node of this computer (core/node-process/user-asks.ts). The node has asked
 * whether its client may; here that is asked again, of the rules as they are now, because this is where they change.
 */
import { z } from 'zod';
import { CoterieError, toCoterieError } from '../../base/errors.ts';
import { rightsInWords } from '../../contract/access-words.ts';
import { userKeyspaces, userName } from '../../contract/views.ts';
import { keyspaceNamed } from '../../layout/layout.ts';
import type { FromNode, ToNode, UserAsk } from '../../node-process/messages.ts';
import type { HostActions } from '../api-handlers.ts';

type Host = Pick<HostActions, 'access' | 'layouts' | 'trail' | 'readOnly'>;
type Note = (subject: string, message: string) => void;

interface AskedAt {
  readonly node: { readonly name: string };
  send(message: ToNode): void;
}

/** Answers in any case; never rejects. */
export async function answerUserAsk(
  host: Host,
  at: AskedAt,
  { task, by, ask }: Extract<FromNode, { type: 'user-ask' }>,
): Promise<void> {
  const note: Note = (subject, message) => {
    const who = `the user ${by} (Redis, ${at.node.name})`;
    host.trail.note({ kind: 'cluster', subject, message, who });
  };
  try {
    checkMay(host, by);
    const count = ask.kind === 'set' ? await set(host, ask, note) : await remove(host, ask.names, note);
    at.send({ type: 'user-answer', task, refusal: null, count });
  } catch (cause) {
    const { code, message } = toCoterieError(cause, 'internal');
    at.send({ type: 'user-answer', task, refusal: { code, reason: message }, count: 0 });
  }
}

function checkMay({ access, readOnly }: Host, by: string): void {
  if (readOnly) throw new CoterieError('unauthorized', 'This host is in read-only mode.');
  const user = access.view().users.find(({ name }) => name === by);
  if (user?.access !== 'admin' || user.keyspaces !== null)
    throw new CoterieError('forbidden', `The user ${by} may not change users.`);
}

async function set(
  { access, layouts }: Host,
  { name, isNew, kept, ...wish }: Extract<UserAsk, { kind: 'set' }>,
  note: Note,
): Promise<number> {
  const checked = z.object({ name: userName, keyspaces: userKeyspaces.optional() });
  const { error } = checked.safeParse({ name, keyspaces: wish.keyspaces });
  if (error !== undefined) throw new CoterieError('bad-input', error.issues[0].message);
  const had = access.view().users.find((user) => user.name === name)?.keyspaces ?? [];
  for (const keyspace of wish.keyspaces ?? [])
    if (!had.includes(keyspace)) keyspaceNamed(layouts.present, keyspace);
  const rights = await access.set(name, { isNew, kept, ...wish });
  const what = isNew ? 'was added' : kept === null ? 'was changed' : 'was changed and got a new password';
  note(name, `The user ${name} ${what}. It ${rightsInWords(rights)}.`);
  return 1;
}

/** As Redis, who is not there is passed over. */
async function remove({ access }: Host, names: readonly string[], note: Note): Promise<number> {
  let count = 0;
  for (const name of names) {
    if (!access.view().users.some((user) => user.name === name)) continue;
    await access.remove(name);
    note(name, `The user ${name} was removed.`);
    count++;
  }
  return count;
}
