/** Changes of users on their way from a node to its host. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { CoterieError } from '../../../core/base/errors.ts';
import type { FromNode } from '../../../core/node-process/messages.ts';
import { UserAsks } from '../../../core/node-process/user-asks.ts';
import { systemRandom } from '../../../core/platform/system-random.ts';
import type { UserWish } from '../../../core/ports/user-changes.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

let time: VirtualTime;
let channel: { isAlone: boolean; send(message: FromNode): void };
let sent: Extract<FromNode, { type: 'user-ask' }>[];
let asks: UserAsks;
let answers: string[];
const done = (error: CoterieError | null, count?: number) =>
  answers.push(error === null ? `done ${count}` : error.code);

beforeEach(() => {
  time = new VirtualTime();
  sent = [];
  answers = [];
  channel = { isAlone: false, send: (message) => void sent.push(message as (typeof sent)[number]) };
  asks = new UserAsks({ channel, timers: time, random: systemRandom });
});

const wish: UserWish = {
  ...{ name: 'shop', isNew: true, password: Buffer.from('secret'), access: 'read', keyspaces: null },
};
/** Once hashing and promises have gone on so far. */
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

describe('a change of users', () => {
  it('goes to the host without the password itself, and is answered once', async () => {
    asks.set('boss', wish, done);
    await until(() => sent.length === 1);
    expect(sent[0]).toMatchObject({ by: 'boss', ask: { kind: 'set', name: 'shop', access: 'read' } });
    expect(sent[0].ask).toHaveProperty('kept.hash');
    expect(JSON.stringify(sent)).not.toContain('secret');
    const answer = { type: 'user-answer', task: sent[0].task, refusal: null, count: 1 } as const;
    asks.answered(answer);
    asks.answered(answer);
    await time.advance(60_000);
    expect(answers).toEqual(['done 1']);
  });

  it('that the host refuses is told with its reason', async () => {
    asks.remove('boss', ['shop'], done);
    await until(() => sent.length === 1);
    asks.answered({
      ...{ type: 'user-answer', task: sent[0].task, count: 0 },
      refusal: { code: 'conflict', reason: 'the last user' },
    });
    expect(answers).toEqual(['conflict']);
  });

  it('is not begun while there is no host, and is given up when none answers', async () => {
    channel.isAlone = true;
    asks.remove('boss', ['shop'], done);
    await until(() => answers.length === 1);
    expect(sent).toEqual([]);
    channel.isAlone = false;
    asks.remove('boss', ['shop'], done);
    await until(() => sent.length === 1);
    await time.advance(60_000);
    expect(answers).toEqual(['unavailable', 'unavailable']);
  });

  it('has to wait for its turn where many are under way, and gets it again after them', async () => {
    for (let index = 0; index < 6; index++) asks.remove('boss', ['shop'], done);
    expect(answers).toEqual(['busy', 'busy']);
    await until(() => sent.length === 4);
    for (const { task } of sent) asks.answered({ type: 'user-answer', task, refusal: null, count: 0 });
    asks.remove('boss', ['shop'], done);
    await until(() => sent.length === 5);
    expect(answers).toEqual([...['busy', 'busy'], ...Array(4).fill('done 0')]);
  });
});
