/** Links between nodes: how they meet, frames, records, and the calls that no other list has. */
import { CoterieError } from '../../../../core/base/errors.ts';
import { addressOf } from '../../../../core/base/token.ts';
import { HostLine } from '../../../../core/platform/host-line.ts';
import { Fallbacks, serveFallbacks } from '../../../../core/replication/handoff/fallbacks.ts';
import { MessageRelay } from '../../../../core/replication/message-relay.ts';
import type { CallHandler, PeerService } from '../../../../core/replication/replica/peer-service.ts';
import { mutualProofOf } from '../../../../core/security/mutual-proof.ts';
import { Secrets } from '../../../../core/security/secrets.ts';
import * as codec from '../../../../core/versions/record-codec.ts';
import { actorOf, merge, type VersionSet } from '../../../../core/versions/version-set.ts';
import { calls, decodeAnswer, encodeAnswer } from '../../../../core/wire/peer/calls.ts';
import * as frames from '../../../../core/wire/peer/frames.ts';
import { PeerGreeting } from '../../../../core/wire/peer/greeting.ts';
import { encodePutTogether, parsePutTogether } from '../../../../core/wire/peer/put-together.ts';
import { recordBy, setBy } from '../../records.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { type FuzzTarget, reader, sameAgain } from '../target.ts';

const refusals = ['bad-input'] as const;
const { frameType, status } = frames;
const key = Buffer.from('key');
const value = recordBy(1);
const words = ['\0\0\0\x09', '\0\0\0\x0d'];

const everyFrame = [
  ...[frameType.ping, frameType.pong, frameType.replicaSame].map((type) => frames.encodeEmpty(type, 7)),
  frames.encodeKeyed(frameType.replicaPut, 7, 1, key, value, value.length),
  frames.encodeKeyed(frameType.replicaGet, 8, 65_535, key, value, 4),
  frames.encodeStatus(frameType.replicaAck, 9, status.ok, null),
  frames.encodeStatus(frameType.replicaRecord, 9, status.ok, value),
  frames.encodeCall(10, calls.count.method, Buffer.from('{"keyspace":1,"partitions":[1]}')),
  encodeAnswer(10, null, Buffer.from('1')),
  encodeAnswer(11, new CoterieError('busy', 'Later.'), null),
  frames.encodeJson(frameType.host, 0, { kind: 'stop' }),
];

/** All that a frame can be asked for. */
function readParts(frame: Buffer): string {
  const found = [frames.typeOf(frame), frames.requestIdOf(frame), frames.layoutVersionOf(frame)];
  if (!found.every(Number.isInteger)) throw new Error('A frame without a head came through.');
  const parts = [frames.parseKeyed, frames.parseStatus, frames.parseCall].map((parse) => {
    try {
      parse(frame);
      return 'y';
    } catch (cause) {
      if ((cause as CoterieError).code !== 'bad-input') throw cause;
      return 'n';
    }
  });
  return parts.join('');
}

/** What came out of a stream that is cut after `size` bytes each time, and how it ended. */
function framesOf(stream: Buffer, size: number): { found: Buffer[]; isRefused: boolean } {
  const found: Buffer[] = [];
  const frameReader = new frames.FrameReader(10_000);
  try {
    for (let at = 0; at < stream.length; at += size) {
      frameReader.push(stream.subarray(at, at + size), (frame) => found.push(Buffer.from(frame)));
    }
    return { found, isRefused: false };
  } catch (cause) {
    if ((cause as CoterieError).code !== 'bad-input') throw cause;
    return { found, isRefused: true };
  }
}

const framing: FuzzTarget = {
  ...{ name: 'frames', words, seeds: [...everyFrame, Buffer.concat(everyFrame)] },
  run(stream) {
    const whole = framesOf(stream, stream.length || 1);
    const cut = framesOf(stream, 3);
    if (whole.isRefused !== cut.isRefused || !Buffer.concat(whole.found).equals(Buffer.concat(cut.found))) {
      throw new Error('What a stream says depends on where it is cut.');
    }
    return `${whole.isRefused} ${[...new Set(whole.found.map(readParts))].sort().join(' ')}`;
  },
};

const facts = { clusterId: 'c', port: 7_400, isPeer: (node: number) => node === 2 };
const greetings = (seed: number) => {
  const proof = mutualProofOf(Secrets.of(Buffer.alloc(32, 7)), 'fuzz', new SeededRandom(seed));
  const caller = new PeerGreeting(proof, { ...facts, selfId: 2, dialled: 1 });
  return { caller, listener: new PeerGreeting(proof, { ...facts, selfId: 1, dialled: null }) };
};

/** The frames of one meeting, which is the same each time: nonces come from one seed. */
function meeting(): Buffer[] {
  const { caller, listener } = greetings(1);
  const hello = caller.begin()!;
  const back = listener.take(hello).reply!;
  const proof = caller.take(back).reply!;
  return [hello, back, proof, listener.take(proof).reply!];
}

/** Plays one side of it with frames that come in a stream, one after the other. */
function greeting(name: 'caller' | 'listener'): FuzzTarget {
  const [hello, back, proof, last] = meeting();
  const right = Buffer.concat(name === 'listener' ? [hello, proof] : [back, last]);
  return reader({
    ...{ name: `greeting-${name}`, words: ['"node":"host"', '"protocol":4', '"oldest":1', '"proof":""'] },
    seeds: [right, right.subarray(0, hello.length)],
    refusals: ['bad-input', 'unsupported', 'unauthorized'],
    read(stream) {
      const { caller, listener } = greetings(1);
      const side = name === 'listener' ? listener : caller;
      side.begin();
      let peer: unknown = null;
      new frames.FrameReader(frames.greetingBytesMax).push(stream, (frame) => {
        if (peer === null) peer = side.take(frame).peer;
      });
      return peer;
    },
    holds(peer) {
      // Whoever is let in held the secret: its proof, letter by letter, is in the stream.
      if (peer !== null && peer !== (name === 'listener' ? 2 : 1))
        throw new Error('Somebody else was let in.');
      return `peer ${peer}`;
    },
  });
}

const line = new HostLine({ destroyed: false } as ConstructorParameters<typeof HostLine>[0]);
line.onMessage(() => {});

/** The handlers that a part of replication puts at the service. */
function handlersOf(attach: (service: PeerService) => void): Map<number, CallHandler> {
  const handlers = new Map<number, CallHandler>();
  attach({
    onCall: ({ method }: { method: number }, handler: CallHandler) => handlers.set(method, handler),
  } as unknown as PeerService);
  return handlers;
}

const told: Buffer[] = [];
const relay = handlersOf((service) => {
  type Parts = ConstructorParameters<typeof MessageRelay>[0];
  new MessageRelay({} as Parts, service).onTold((message) => told.push(message));
}).get(calls.messages.method)!;

const lengthened = (bytes: Buffer): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
};

const kept: Parameters<Parameters<typeof serveFallbacks>[1]['keep']>[] = [];
const hints = handlersOf((service) => {
  const store = { keep: (...hint: (typeof kept)[number]) => kept.push(hint) } as unknown as Parameters<
    typeof serveFallbacks
  >[1];
  const keyspaces = new Map([[1, { settings: { conflicts: 'siblings' } }]]);
  serveFallbacks(
    service,
    store,
    () => ({ keyspaces }) as unknown as ReturnType<Parameters<typeof serveFallbacks>[2]>,
  );
});

/** A hint as it goes out. */
function hintOf(record: Buffer): Buffer {
  type Parts = ConstructorParameters<typeof Fallbacks>;
  const sent: Buffer[] = [];
  const requests = {
    send: (_: unknown, __: unknown, encode: (id: number) => Buffer) => sent.push(encode(1)),
  };
  new Fallbacks(...([{ requests }, null, addressOf(1, key)] as unknown as Parts)).keep(
    4,
    5,
    record,
    () => {},
  );
  return frames.parseCall(sent[0]).payload;
}

const siblings = merge(
  merge(setBy(1, 3), setBy(2, 1, { expiresAtMs: 5_000 })),
  setBy(3, 1, { tombstone: true, value: Buffer.alloc(0) }),
);
const named = setBy(4, 2, { contentType: 'text/plain' });
const recordSeeds = [
  value,
  codec.encodeRecord(siblings),
  codec.encodeRecord(named),
  codec.encodeRecord({ context: [{ actor: actorOf(9, 1), counter: 4 }], versions: [], horizonMs: 7 }),
];

function contradicts(one: VersionSet, other: VersionSet): boolean {
  return one.versions.some((version) => {
    const same = other.versions.find(
      ({ actor, counter }) => actor === version.actor && counter === version.counter,
    );
    return same !== undefined && JSON.stringify(same) !== JSON.stringify(version);
  });
}

export const peerTargets: readonly FuzzTarget[] = [
  framing,
  greeting('listener'),
  greeting('caller'),
  reader({
    ...{
      name: 'host-line',
      refusals,
      seeds: [frames.encodeJson(frameType.host, 0, { kind: 'stop', list: [1] })],
    },
    read: (bytes) => {
      let count = 0;
      new frames.FrameReader(frames.hostFrameBytesMax).push(bytes, (frame) => {
        count++;
        line.received(frame);
      });
      return count;
    },
    holds: (count) => `${Math.min(count, 2)}`,
  }),
  reader({
    ...{ name: 'answer', refusals, seeds: everyFrame.slice(-3, -1) },
    read: (bytes) => decodeAnswer(bytes, calls.scan),
    holds({ error, body }) {
      if ((error === null) === (body === null)) throw new Error('Neither an answer nor a reason.');
      return error?.code;
    },
  }),
  reader({
    ...{ name: 'record', refusals: ['corrupt'], seeds: recordSeeds },
    read: codec.decodeRecord,
    holds(set, record) {
      // Summaries are made without looking at values, and must say the same.
      const { newestTimestamp, tombstone } = codec.summarise(record);
      if (newestTimestamp !== Math.max(0, ...set.versions.map((one) => one.timestamp)))
        throw new Error('Another time.');
      if (tombstone !== set.versions.every((one) => one.tombstone)) throw new Error('Another kind.');
      if (JSON.stringify(codec.decodeContext(record)) !== JSON.stringify(set.context))
        throw new Error('Another context.');
      const again = codec.encodeRecord(set);
      if (!codec.equalHeaders(record, again)) throw new Error('A record changes when it is written again.');
      if (record[0] === again[0] && !record.equals(again)) throw new Error('A record has two forms.');
      // What a replica does with it, whatever it holds itself.
      for (const own of recordSeeds) {
        // One event that happened in two ways: somebody lies, and replicas need not agree on whom they believe.
        if (contradicts(codec.decodeRecord(own), set)) continue;
        const one = codec.mergeRecords(own, record, false);
        const other = codec.mergeRecords(record, own, false);
        codec.decodeRecord(codec.mergeRecords(own, record, true));
        if (!codec.equalHeaders(one, other)) throw new Error('What two replicas make of it differs.');
        if (codec.mergeRecords(one, record, false) !== one)
          throw new Error('Merged once more, it is something else.');
      }
      return `${record[0]} ${set.versions.length} ${tombstone}`;
    },
  }),
  reader({
    ...{ name: 'record-summary', refusals: ['corrupt'], seeds: recordSeeds },
    read: codec.summarise,
    // Who takes a record by its summary must be able to read it.
    holds: (_, record) => `${codec.decodeRecord(record).versions.length}`,
  }),
  reader({
    ...{
      name: 'put-together',
      refusals,
      seeds: [
        encodePutTogether(1, [
          { key, record: value },
          { key: Buffer.from('b'), record: Buffer.alloc(0) },
        ]),
      ],
    },
    read: parsePutTogether,
    holds: sameAgain(({ keyspace, records }) => encodePutTogether(keyspace, records)),
  }),
  reader({
    ...{ name: 'messages', refusals, seeds: [Buffer.concat([key, Buffer.alloc(0), value].map(lengthened))] },
    read(payload) {
      told.length = 0;
      relay(2, payload, () => {}, 1);
      return [...told];
    },
    holds: sameAgain((messages: Buffer[]) => Buffer.concat(messages.map(lengthened))),
  }),
  reader({
    ...{ name: 'hint', refusals: ['bad-input', 'corrupt'], seeds: [hintOf(value), hintOf(Buffer.alloc(0))] },
    read(payload) {
      kept.length = 0;
      hints.get(calls.keepHint.method)!(2, payload, () => {}, 1);
      return kept[0] ?? null;
    },
    holds(hint) {
      if (hint === null) return 'no keyspace';
      codec.decodeRecord(hint[2]);
      return 'kept';
    },
  }),
];
