/** PUBLISH, SUBSCRIBE and their relatives. What is promised of a message is in README.md under "Messages": at most once, as in Redis. */
import type { RespEncoder } from '../../../wire/resp/encoder.ts';
import { type Command, defineCommand, needs, type Subcommands } from '../command.ts';
import { CommandError } from '../errors.ts';
import { Glob, patternBytesMax } from '../glob.ts';
import type { Kind } from '../pubsub/client-subscriptions.ts';
import { channelBytesMax } from '../pubsub/publishing.ts';
import type { Request } from '../request.ts';
import { defineContainer } from './subcommands.ts';

/** Channels go across keyspaces: who may use some of them only cannot be let in on what is said of the others. */
const hearing = { access: 'read', keyspaces: 'all' } as const;
const speaking = { access: 'write', keyspaces: 'all' } as const;

function publish(kind: 'channel' | 'shard') {
  return (request: Request): void => {
    const { argv, gateway, session } = request;
    if (argv[1].length > channelBytesMax) throw tooLong();
    const send = () => gateway.publishing.publish(kind, argv[1], argv[2]);
    // What a transaction publishes is said once it is done.
    if (session.afterwards !== null) {
      session.afterwards.push(send);
      request.integer(0);
    } else request.integer(send());
  };
}

function tooLong(): CommandError {
  return new CommandError(`ERR names of channels have at most ${channelBytesMax} bytes`);
}

/** One confirmation: in RESP3 a push, as what follows will be. */
function confirm(encoder: RespEncoder, name: string, subject: Buffer | null, count: number): void {
  encoder.push(3);
  encoder.text(name);
  if (subject === null) encoder.nil();
  else encoder.bulk(subject);
  encoder.integer(count);
}

function subscribe(kind: Kind, name: string) {
  return (request: Request): void => {
    const client = request.sink.client!;
    const { publishing } = request.gateway;
    const names = request.argv.slice(1);
    const lengthMax = kind === 'pattern' ? patternBytesMax : channelBytesMax;
    if (names.some(({ length }) => length > lengthMax)) {
      throw kind === 'pattern'
        ? new CommandError(`ERR patterns have at most ${patternBytesMax} bytes`)
        : tooLong();
    }
    if (!client.subscriptions.mayAdd(kind, names.length)) {
      throw new CommandError('ERR too many subscriptions on this connection. Use another one for more');
    }
    const added: Buffer[] = [];
    const counts = names.map((subject) => {
      const before = client.subscriptions.countOf(kind);
      try {
        publishing.subscribe(client, kind, subject);
      } catch (cause) {
        // All of them or none: the reply names none.
        for (const taken of added) publishing.unsubscribe(client, kind, taken);
        throw cause;
      }
      if (client.subscriptions.countOf(kind) > before) added.push(subject);
      return client.subscriptions.toldCount(kind);
    });
    const encoder = request.begin();
    request.isMessage = true;
    for (const [index, subject] of names.entries()) confirm(encoder, name, subject, counts[index]);
    request.end();
  };
}

function unsubscribe(kind: Kind, name: string) {
  return (request: Request): void => {
    const client = request.sink.client!;
    const { publishing } = request.gateway;
    const named = request.argv.slice(1);
    const names = named.length > 0 ? named : client.subscriptions.namesOf(kind);
    const counts = names.map((subject) => {
      publishing.unsubscribe(client, kind, subject);
      return client.subscriptions.toldCount(kind);
    });
    const encoder = request.begin();
    request.isMessage = true;
    for (const [index, subject] of names.entries()) confirm(encoder, name, subject, counts[index]);
    if (names.length === 0) confirm(encoder, name, null, client.subscriptions.toldCount(kind));
    request.end();
  };
}

function listNames(kind: Kind) {
  return (request: Request): void => {
    const { argv, gateway } = request;
    if (argv.length > 3) throw new CommandError('ERR syntax error');
    const pattern = argv.length === 3 ? new Glob(argv[2]) : null;
    const names = gateway.publishing.namesOf(kind).filter((name) => pattern?.matches(name) ?? true);
    const encoder = request.begin();
    encoder.array(names.length);
    for (const name of names) encoder.bulk(name);
    request.end();
  };
}

function countListeners(kind: Kind) {
  return (request: Request): void => {
    const names = request.argv.slice(2);
    const encoder = request.begin();
    encoder.array(names.length * 2);
    for (const name of names) {
      encoder.bulk(name);
      encoder.integer(request.gateway.publishing.listenerCount(kind, name));
    }
    request.end();
  };
}

/** Of the node that is asked: each knows its own clients. */
const parts: Subcommands = {
  channels: { arity: -2, run: listNames('channel') },
  shardchannels: { arity: -2, run: listNames('shard') },
  numsub: { arity: -2, run: countListeners('channel') },
  shardnumsub: { arity: -2, run: countListeners('shard') },
  numpat: {
    arity: 2,
    run: (request) => request.integer(request.gateway.publishing.namesOf('pattern').length),
  },
};

const group = 'pubsub';
const flags = ['noscript', 'loading', 'stale'] as const;
const listening = { need: hearing, kind: 'barrier' } as const;
const leaving = { need: needs.nothing, kind: 'barrier' } as const;
const promise = 'At most once: who cannot be reached at that moment, or does not read, misses it.';

export const publishingCommands: readonly Command[] = [
  defineCommand(group, 'publish', 3, ['loading', 'stale', 'fast'], publish('channel'), {
    need: speaking,
    since: '2.0.0',
    summary: `Tells a message to all who listen to a channel, at every node. Answers how many of this node do. ${promise}`,
  }),
  defineCommand(group, 'spublish', 3, ['loading', 'stale', 'fast'], publish('shard'), {
    need: speaking,
    since: '7.0.0',
    summary: `As PUBLISH, for shard channels, which reach every node here. ${promise}`,
  }),
  defineCommand(group, 'subscribe', -2, flags, subscribe('channel', 'subscribe'), {
    ...listening,
    since: '2.0.0',
    summary: `Listens to channels. ${promise}`,
  }),
  defineCommand(group, 'psubscribe', -2, flags, subscribe('pattern', 'psubscribe'), {
    ...listening,
    since: '2.0.0',
    summary: `Listens to channels by patterns. ${promise}`,
  }),
  defineCommand(group, 'ssubscribe', -2, flags, subscribe('shard', 'ssubscribe'), {
    ...listening,
    since: '7.0.0',
    summary: `Listens to shard channels. ${promise}`,
  }),
  defineCommand(group, 'unsubscribe', -1, flags, unsubscribe('channel', 'unsubscribe'), {
    ...leaving,
    since: '2.0.0',
  }),
  defineCommand(group, 'punsubscribe', -1, flags, unsubscribe('pattern', 'punsubscribe'), {
    ...leaving,
    since: '2.0.0',
  }),
  defineCommand(group, 'sunsubscribe', -1, flags, unsubscribe('shard', 'sunsubscribe'), {
    ...leaving,
    since: '7.0.0',
  }),
  defineContainer({ group, name: 'pubsub', arity: -2 }, ['loading', 'stale'], parts, {
    need: hearing,
    since: '2.8.0',
    summary: 'What the clients of this node listen to.',
  }),
];
