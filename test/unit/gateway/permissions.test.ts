/** Who may run what, worked out from the command table itself: a command that is added later is asked for here, too. */
import { describe, expect, it } from 'vitest';
import type { Rights } from '../../../core/base/rights.ts';
import type { Command, Need } from '../../../core/gateway/resp/command.ts';
import { createCommandTable } from '../../../core/gateway/resp/command-table.ts';
import { ClientIdentity } from '../../../core/gateway/resp/identity.ts';
import type { ClientControl } from '../../../core/gateway/resp/request.ts';
import { type Logins, openToAll } from '../../../core/ports/logins.ts';
import { keyspaceView, MemoryStore } from '../../support/memory-store.ts';
import { VirtualGateway } from '../../support/virtual-gateway.ts';

interface Call {
  readonly name: string;
  readonly command: Command;
  readonly need: Need;
  readonly words: readonly string[];
}

/** Enough words for its arity; what they say does not matter to the question whether it may run. */
const filled = (start: readonly string[], arity: number) => [
  ...start,
  ...Array<string>(Math.max(0, Math.abs(arity) - start.length)).fill('1'),
];

/** Every command that a client can say, and every part of one. */
const calls: Call[] = createCommandTable()
  .commands.filter(({ internal }) => !internal)
  .flatMap((command) => {
    const { name, parts, arity, need } = command;
    const whole = { name, command, need, words: filled([name], arity) };
    if (parts === null) return [whole];
    return Object.entries(parts).map(([part, own]) => ({
      ...{ name: `${name} ${part}`, command, need: own.need ?? need },
      words: filled([name, part], own.arity),
    }));
  });
const namesOf = (found: readonly Call[]) => found.map(({ name }) => name);

/** A client of a user with these rights, on three keyspaces. */
function clientOf(rights: Rights) {
  let now = rights;
  const changes: (() => void)[] = [];
  const logins: Logins = {
    ...openToAll,
    ...{ required: true, users: ['anna'] },
    check: (_user, _password, done) => done(null, true),
    stampOf: () => 'stamp',
    rightsOf: () => now,
    onChange: (handler) => changes.push(handler),
  };
  const identity = new ClientIdentity(logins, () => {});
  identity.logIn('anna', Buffer.alloc(0), () => {});
  const client = {
    ...{ id: 1, name: '', identity, isGone: false, gathering: null, meeting: null, remoteAddress: '' },
    ...{ hold() {}, closeAfterReply() {}, kill() {}, reset() {}, setReplyMode() {}, describe: () => '' },
  } as unknown as ClientControl;
  const store = new MemoryStore({ keyspaces: [keyspaceView(0), keyspaceView(1), keyspaceView(2)] });
  const gateway = new VirtualGateway(store);
  const say = async (...words: string[]) => (await gateway.run(words, client))[0] ?? '';
  const become = (next: Rights) => {
    now = next;
    identity.rulesChanged();
  };
  return { say, store, become };
}
const all = (access: Rights['access']): Rights => ({ access, keyspaces: null });

/** Those of `found` that are refused for want of rights, each asked by a client of its own. */
async function refused(rights: Rights, found: readonly Call[]): Promise<string[]> {
  const names: string[] = [];
  for (const { name, words } of found) {
    const { say } = clientOf(rights);
    if ((await say(...words)).startsWith('-NOPERM')) names.push(name);
  }
  return names;
}

describe('the command table', () => {
  it('lets everybody who is logged in do this, and nothing beside it', () => {
    const open = calls.filter(({ need, command }) => need.access === 'none' && command.name !== 'command');
    expect(namesOf(open).sort().join(', ')).toBe(
      [
        'acl cat, acl genpass, acl help, acl whoami, asking, auth',
        'client caching, client getname, client getredir, client id, client info, client no-evict, client no-touch, client reply, client setinfo, client setname, client tracking',
        'cluster info, cluster keyslot, cluster myid, cluster nodes, cluster shards, cluster slots',
        'ct.consistency, ct.host, ct.keyspace, discard, echo, exec, hello, host:, info, multi, ping, post, punsubscribe, quit',
        'readonly, readwrite, reset, select, sunsubscribe, time, unsubscribe, unwatch, wait',
      ].join(', '),
    );
  });

  it('asks for the right to write for whatever is flagged as writing, and to administer for what is flagged as that', () => {
    for (const { command, need } of calls) {
      if (command.flags.includes('write')) expect(['write', 'admin'], command.name).toContain(need.access);
      if (command.flags.includes('readonly')) expect(need.access, command.name).toBe('read');
      if (command.flags.includes('write') || command.flags.includes('readonly'))
        expect(need.keyspaces, command.name).not.toBe('none');
    }
  });

  it('asks for the right to administer for what empties keyspaces, and for users, clients and settings', () => {
    const names = namesOf(calls.filter(({ need }) => need.access === 'admin'));
    for (const name of ['flushall', 'flushdb', 'acl setuser', 'acl deluser', 'acl list'])
      expect(names).toContain(name);
    for (const name of ['client kill', 'client list', 'config set', 'config get', 'debug sleep'])
      expect(names).toContain(name);
  });

  it('is for administering where a command says nothing of itself', async () => {
    const { say } = clientOf(all('write'));
    expect(await say('function', 'flush')).toMatch(/^-NOPERM .*'function\|flush'/);
  });
});

describe('a user', () => {
  const by = (access: string) => calls.filter(({ need }) => need.access === access);

  it('who may read is refused every command that writes or administers, and no other', async () => {
    expect(await refused(all('read'), calls)).toEqual(
      namesOf([...calls].filter(({ need }) => need.access === 'write' || need.access === 'admin')),
    );
  });

  it('who may write is refused every command that administers, and no other', async () => {
    expect(await refused(all('write'), calls)).toEqual(namesOf(by('admin')));
  });

  it('who may do nothing is refused whatever touches data', async () => {
    expect(await refused(all('none'), calls)).toEqual(
      namesOf(calls.filter(({ need }) => need.access !== 'none')),
    );
  });

  it('who administers all keyspaces is refused nothing', async () => {
    expect(await refused(all('admin'), calls)).toEqual([]);
  });

  it('who may read cannot write by any of these', async () => {
    const { say, store } = clientOf(all('read'));
    const writes =
      'set k v|setnx k v|getset k v|getdel k|getex k ex 9|getex k persist|getex k|append k v|incr k|setrange k 0 v|del k|del k l|unlink k|expire k 9|persist k|rename k l|copy k l|copy k l db 1|mset k v|msetnx k v l w|ct.put k v|ct.del k|flushdb|flushall'
        .split('|')
        .map((line) => line.split(' '));
    for (const words of writes) {
      const shown = `'${words[0]}'`;
      expect(await say(...words)).toMatch(
        new RegExp(`^-NOPERM User anna has no permissions to run the ${shown.replace('.', '\\.')} command`),
      );
    }
    expect(store.data.records.size).toBe(0);
    expect(await say('get', 'k')).toBe('$-1\r\n');
  });

  it('is told Redis’ words and then the next step', async () => {
    expect(await clientOf(all('read')).say('set', 'k', 'v')).toBe(
      "-NOPERM User anna has no permissions to run the 'set' command: it may read. A person can change that, in the app under Users or with: coterie user change anna\r\n",
    );
  });

  it('whose rights change is judged by the new ones at its next command', async () => {
    const { say, become } = clientOf(all('write'));
    expect(await say('set', 'k', 'v')).toBe('+OK\r\n');
    become(all('read'));
    expect(await say('set', 'k', 'w')).toMatch(/^-NOPERM/);
    expect(await say('get', 'k')).toContain('v');
    become({ access: 'admin', keyspaces: ['keyspace-1'] });
    expect(await say('get', 'k')).toMatch(/^-NOPERM No permissions to access a key/);
    become(all('admin'));
    expect(await say('flushall')).toBe('+OK\r\n');
  });
});

describe('a user of some keyspaces', () => {
  const some = (access: Rights['access']): Rights => ({ access, keyspaces: ['keyspace-1'] });
  const touching = calls.filter(({ need }) => need.keyspaces !== 'none');

  it('is refused whatever touches data, as long as one is selected that it may not use', async () => {
    expect(await refused(some('admin'), calls)).toEqual(namesOf(touching));
    expect(await clientOf(some('write')).say('get', 'k')).toMatch(
      /^-NOPERM No permissions to access a key: .* may not use the keyspace keyspace-0, but keyspace-1\./,
    );
  });

  it('comes to its own by number and by name, and to no other', async () => {
    const { say } = clientOf(some('write'));
    for (const words of [
      ['select', '2'],
      ['select', '0'],
      ['ct.keyspace', 'keyspace-2'],
    ])
      expect(await say(...words)).toMatch(/^-NOPERM No permissions/);
    expect(await say('ct.keyspace', 'keyspace-1')).toBe('+OK\r\n');
    expect(await say('select', '1')).toBe('+OK\r\n');
    expect(await say('set', 'k', 'v')).toBe('+OK\r\n');
    expect(await say('keys', '*')).toContain('k');
    expect(await say('select', '9')).toMatch(/^-ERR DB index/);
  });

  it('cannot reach beyond it from there', async () => {
    const { say, store } = clientOf(some('admin'));
    await say('select', '1');
    await say('set', 'k', 'v');
    expect(await say('copy', 'k', 'l', 'db', '2')).toMatch(/^-NOPERM No permissions/);
    expect(await say('copy', 'k', 'l', 'db', '1')).toBe(':1\r\n');
    for (const words of [['flushall'], ['acl', 'setuser', 'eve'], ['acl', 'deluser', 'anna']])
      expect(await say(...words)).toMatch(/^-NOPERM User anna .* all keyspaces/);
    expect(store.data.records.size).toBe(2);
    expect(await say('flushdb')).toBe('+OK\r\n');
  });

  it('learns nothing of the others’ keys from INFO', async () => {
    const { say, become } = clientOf(all('write'));
    await say('set', 'k', 'v');
    await say('select', '1');
    await say('set', 'k', 'v');
    expect(await say('info', 'keyspace')).toMatch(/db0:.*db1:/s);
    become(some('write'));
    expect(await say('info', 'keyspace')).toMatch(/db1:/);
    expect(await say('info', 'keyspace')).not.toMatch(/db0:/);
  });
});
