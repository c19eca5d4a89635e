import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../core/base/token.ts';
import type { Layout } from '../../../core/layout/layout.ts';
import { serveFallbacks } from '../../../core/replication/handoff/fallbacks.ts';
import { HintStore } from '../../../core/replication/handoff/hint-store.ts';
import { newCounters } from '../../../core/replication/parts.ts';
import { LocalRecords } from '../../../core/replication/replica/local-records.ts';
import { PeerService } from '../../../core/replication/replica/peer-service.ts';
import { ReadEligibility } from '../../../core/replication/replica/read-eligibility.ts';
import { Requests } from '../../../core/replication/requests.ts';
import { topologyOf } from '../../../core/replication/topology.ts';
import { MemoryEngine } from '../../../core/storage/memory-engine.ts';
import { HybridClock } from '../../../core/versions/hybrid-clock.ts';
import { decodeRecord, encodeRecord, summarise } from '../../../core/versions/record-codec.ts';
import { type Call, calls, decodeAnswer } from '../../../core/wire/peer/calls.ts';
import {
  encodeCall,
  encodeKeyed,
  type FrameType,
  frameType,
  parseStatus,
  stampLayout,
  status,
  typeOf,
} from '../../../core/wire/peer/frames.ts';
import { HandNetwork } from '../../support/hand-network.ts';
import { layoutOf } from '../../support/layouts.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { recordBy, setBy } from '../../support/records.ts';
import { check } from '../../support/seeds.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const key = Buffer.from('k');

class Replica {
  readonly time = new VirtualTime();
  readonly network = new HandNetwork();
  readonly log = new LogCapture();
  readonly engine = new MemoryEngine({ clock: this.time, timers: this.time });
  readonly records = new LocalRecords(this.engine);
  readonly eligibility = new ReadEligibility({ onWhole() {}, onLost() {}, onBack() {} });
  readonly hints: HintStore;
  readonly service: PeerService;

  constructor(layout: Layout = layoutOf({ here: 3 })) {
    const { time, network, log, engine, records, eligibility } = this;
    const requests = new Requests(
      { network, clock: time, timers: time, log },
      { deadlineMs: 3_000, slowMs: 60, pendingCountMax: 100 },
    );
    const topology = topologyOf(layout, 1);
    this.hints = new HintStore({ records, engine, clock: time });
    const counters = newCounters();
    const hybridClock = new HybridClock();
    this.service = new PeerService(
      { records, network, requests, clock: time, hybridClock, counters, eligibility, log },
      topology,
    );
    serveFallbacks(this.service, this.hints, () => topology);
  }

  /** What the replica answers to one frame. */
  async asked(frame: Buffer): Promise<Buffer | null> {
    const count = this.network.sent.length;
    this.network.arrive(2, frame);
    await this.time.advance(10);
    return this.network.sent[count]?.frame ?? null;
  }

  async put(record: Buffer, id = 7, keyspace = 0): Promise<number | null> {
    const reply = await this.asked(
      encodeKeyed(frameType.replicaPut, id, keyspace, key, record, record.length),
    );
    return reply === null ? null : parseStatus(reply).code;
  }

  async keepHint(record: Buffer): Promise<ReturnType<typeof decodeAnswer>> {
    const head = Buffer.alloc(12);
    head.writeUIntBE(3, 0, 6);
    head.writeUInt32BE(key.length, 8);
    const payload = Buffer.concat([head, key, record]);
    return decodeAnswer((await this.asked(encodeCall(7, calls.keepHint.method, payload)))!, calls.keepHint);
  }

  stored(): Promise<Buffer | null> {
    return this.time.until(this.records.get(addressOf(0, key)));
  }
}

/** Each looks whole from its lengths alone. */
function malformed(): [string, Buffer][] {
  const sound = encodeRecord({
    context: [...setBy(1).context, ...setBy(2).context],
    versions: [...setBy(1).versions, ...setBy(2).versions],
    horizonMs: 0,
  });
  const firstVersion = 12 + 2 * 14;
  const changed = (edit: (record: Buffer) => void) => {
    const record = Buffer.from(sound);
    edit(record);
    return record;
  };
  return [
    [
      'a version of an actor that the history does not name',
      changed((it) => it.writeUInt16BE(2, firstVersion)),
    ],
    ['a version newer than the history', changed((it) => it.writeUIntBE(2, firstVersion + 2, 6))],
    ['a version without a number', changed((it) => it.writeUIntBE(0, firstVersion + 2, 6))],
    ['the same version twice', changed((it) => it.writeUInt16BE(0, firstVersion + 27))],
    ['a history out of order', changed((it) => it.writeUInt32BE(9, 12))],
    ['an actor twice', changed((it) => it.writeUInt32BE(2, 12))],
    ['an epoch that cannot exist', changed((it) => it.writeUInt32BE(2 ** 20, 16))],
    ['a time that is not exact', changed((it) => it.writeUInt32BE(2 ** 21, firstVersion + 8))],
    ['a flag that nobody knows', changed((it) => it.writeUInt8(2, firstVersion + 22))],
    ['a value longer than the record', changed((it) => it.writeUInt32BE(2 ** 31, firstVersion + 23))],
    ['bytes after the last value', Buffer.concat([sound, Buffer.alloc(1)])],
    ['nothing', Buffer.alloc(0)],
  ];
}

describe('a record from another node', () => {
  it('is acknowledged once it is durable, and joined with what is here', async () => {
    const replica = new Replica();
    expect(await replica.put(recordBy(2))).toBe(status.ok);
    expect(await replica.put(recordBy(3))).toBe(status.ok);
    expect(decodeRecord((await replica.stored())!).versions).toHaveLength(2);
  });

  it.each(malformed())('with %s is refused, logged and never stored', async (_, record) => {
    const replica = new Replica();
    expect(await replica.put(record)).toBe(status.failed);
    expect(await replica.stored()).toBeNull();
    expect(replica.log.warnings).toHaveLength(1);
    expect(replica.log.errors).toEqual([]);
    await replica.put(recordBy(2));
    expect(await replica.put(record)).toBe(status.failed);
    expect(await replica.stored()).toEqual(recordBy(2));
  });

  it.each(malformed())('with %s is not kept as a hint', async (_, record) => {
    const replica = new Replica();
    expect((await replica.keepHint(record)).error?.code).toBe('corrupt');
    expect(replica.hints.ledger()).toEqual([]);
    expect(replica.log.warnings).toHaveLength(1);
  });

  it('is taken exactly when it can be decoded: the scan and the decoder agree', () => {
    const outcome = (read: (record: Buffer) => unknown, record: Buffer) => {
      try {
        read(record);
        return 'taken';
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const sound = encodeRecord({
      context: [...setBy(1).context, ...setBy(2, 4).context],
      versions: [...setBy(1).versions, ...setBy(2, 4).versions],
      horizonMs: 5,
    });
    check(
      fc.property(fc.array(fc.tuple(fc.nat(93), fc.nat(255)), { maxLength: 3 }), (edits) => {
        const record = Buffer.from(sound);
        for (const [offset, byte] of edits) record[offset] = byte;
        const decoded = outcome(decodeRecord, record);
        expect(outcome(summarise, record)).toBe(decoded);
        expect(['taken', 'corrupt']).toContain(decoded);
        if (decoded === 'taken' && record[0] === 2)
          expect(encodeRecord(decodeRecord(record))).toEqual(record);
      }),
      2_000,
    );
  });

  it('is not acknowledged where the keyspace is unknown, or this node is no replica', async () => {
    expect(await new Replica().put(recordBy(2), 7, 5)).toBe(status.unknownKeyspace);
    const layout = layoutOf({ here: 9 });
    const replica = new Replica(layout);
    const isOurs = topologyOf(layout, 1).keyspaces.get(0)!.selfIndex[addressOf(0, key).tokenHigh >>> 22] >= 0;
    expect(await replica.put(recordBy(2))).toBe(isOurs ? status.ok : status.noReplica);
  });

  it('without a request number is taken and not answered', async () => {
    const replica = new Replica();
    expect(await replica.put(recordBy(2), 0)).toBeNull();
    expect(await replica.stored()).toEqual(recordBy(2));
    expect(await replica.put(Buffer.alloc(3), 0)).toBeNull();
  });
});

describe('a record asked for', () => {
  const ask = (replica: Replica, known: Buffer) =>
    replica.asked(encodeKeyed(frameType.replicaGet, 7, 0, key, known, known.length));

  it('comes whole unless the asker has the same history; nothing is the same as nothing', async () => {
    const replica = new Replica();
    expect(typeOf((await ask(replica, Buffer.alloc(0)))!)).toBe(frameType.replicaSame);
    await replica.put(recordBy(2));
    const whole = (await ask(replica, Buffer.alloc(0)))!;
    expect(parseStatus(whole)).toEqual({ code: status.ok, body: recordBy(2) });
    const header = recordBy(2).subarray(0, 12 + 14 + 27);
    expect(typeOf((await ask(replica, header))!)).toBe(frameType.replicaSame);
  });

  it('is refused while this replica does not speak for its partition', async () => {
    const replica = new Replica();
    replica.eligibility.begin(topologyOf(layoutOf({ here: 3 }), 1));
    expect(parseStatus((await ask(replica, Buffer.alloc(0)))!).code).toBe(status.rebuilding);
  });
});

describe('a node that goes by an older layout', () => {
  const layout = { ...layoutOf({ here: 3 }), version: 9, placed: 7 };
  const by = (version: number, type: FrameType, rest: Buffer) => {
    const frame = encodeKeyed(type, 7, 0, key, rest, rest.length);
    stampLayout(frame, version);
    return frame;
  };

  it('is refused, to write and to read, where other replicas are meant by that', async () => {
    const replica = new Replica(layout);
    const put = await replica.asked(by(6, frameType.replicaPut, recordBy(2)));
    expect(parseStatus(put!).code).toBe(status.noReplica);
    const get = await replica.asked(by(6, frameType.replicaGet, Buffer.alloc(0)));
    expect(parseStatus(get!).code).toBe(status.noReplica);
    expect(await replica.stored()).toBeNull();
  });

  it('is served where nothing has moved since', async () => {
    const replica = new Replica(layout);
    const put = await replica.asked(by(7, frameType.replicaPut, recordBy(2)));
    expect(parseStatus(put!).code).toBe(status.ok);
    const get = await replica.asked(by(8, frameType.replicaGet, Buffer.alloc(0)));
    expect(parseStatus(get!).body).toEqual(recordBy(2));
  });
});

describe('a call from another node', () => {
  const strange: Call = { method: 99, questionBytesMax: 8, answerBytesMax: 8 };

  it('beyond the bound of its method is refused before anybody reads it', async () => {
    const replica = new Replica();
    let reads = 0;
    replica.service.onCall(strange, (_, payload, reply) => {
      reads++;
      reply(null, payload);
    });
    const asked = async (length: number) =>
      decodeAnswer((await replica.asked(encodeCall(7, 99, Buffer.alloc(length))))!, strange);
    expect((await asked(9)).error?.code).toBe('bad-input');
    expect(reads).toBe(0);
    expect((await asked(8)).body).toHaveLength(8);
    expect(reads).toBe(1);
  });

  it('that trips a mistake of ours is answered as internal, and the log has the stack', async () => {
    const replica = new Replica();
    replica.service.onCall(strange, () => {
      throw new TypeError('undefined is not a function');
    });
    const { error } = decodeAnswer((await replica.asked(encodeCall(7, 99, Buffer.alloc(0))))!, strange);
    expect(error?.code).toBe('internal');
    expect(error?.message).not.toContain('undefined');
    expect(replica.log.errors[0].facts.stack).toContain('TypeError: undefined is not a function');
  });

  it('of a method that nobody serves says that this node is older', async () => {
    const { error } = decodeAnswer((await new Replica().asked(encodeCall(7, 98, Buffer.alloc(0))))!, strange);
    expect(error?.code).toBe('unsupported');
  });

  it('that nobody serves yet, because this node has just started, may be made again', async () => {
    const frame = encodeCall(7, calls.scan.method, Buffer.alloc(0));
    const { error } = decodeAnswer((await new Replica().asked(frame))!, calls.scan);
    expect(error).toMatchObject({ code: 'not-ready', message: expect.stringContaining('Try again') });
  });

  it('that is cut short is refused as bad input, and logged', async () => {
    const replica = new Replica();
    const { error } = decodeAnswer(
      (await replica.asked(encodeCall(7, calls.keepHint.method, Buffer.alloc(4))))!,
      calls.keepHint,
    );
    expect(error?.code).toBe('bad-input');
    expect(replica.log.warnings).toHaveLength(1);
  });
});

describe('a frame from another node', () => {
  it('of an unknown type, or one that is too short, is logged and ignored', async () => {
    const replica = new Replica();
    expect(
      await replica.asked(encodeKeyed(frameType.replicaPut, 7, 0, key, key, 0).subarray(0, 10)),
    ).toBeNull();
    expect(await replica.asked(encodeCall(7, 1, key).fill(77, 4, 5))).toBeNull();
    expect(replica.log.warnings).toHaveLength(2);
    expect(replica.log.errors).toEqual([]);
  });
});
