/** What strangers may send to the computer port, and people may paste: understood or refused in words, and nothing else happens. */
import type { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../core/base/errors.ts';
import { JoinInbox } from '../../core/host/computers/join-inbox.ts';
import { MembershipDesk } from '../../core/host/computers/membership-desk.ts';
import { computerNews } from '../../core/host/computers/messages.ts';
import { Invitations } from '../../core/security/invitations.ts';
import { encodeJoinCode, joinLinkOf, readJoinCode } from '../../core/security/join-code.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { SimulatedDisk } from '../support/simulated-disk.ts';
import { VirtualTime } from '../support/virtual-time.ts';

const runs = { numRuns: Number(process.env.COTERIE_FUZZ_RUNS ?? 500) };

describe('a join code', () => {
  it('is read, or refused in words, whatever text it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `coterie://join/${text}`),
        ),
        (text) => {
          try {
            readJoinCode(text);
          } catch (error) {
            expect(error).toBeInstanceOf(CoterieError);
          }
        },
      ),
      runs,
    );
  });

  it('comes back as it was made', () => {
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((one) => Buffer.from(one));
    fc.assert(
      fc.property(
        bytes(2),
        bytes(10),
        bytes(32),
        fc.array(fc.ipV4(), { maxLength: 3 }),
        (id, secret, fingerprint, hosts) => {
          const at = hosts.map((host) => `${host}:7430`);
          const link = joinLinkOf(encodeJoinCode({ id: id.toString('hex'), secret, fingerprint }), at);
          expect(readJoinCode(link)).toEqual({
            ...{ id: id.toString('hex'), secret, fingerprint: fingerprint.subarray(0, 16), at },
          });
        },
      ),
      runs,
    );
  });
});

describe('a request to come in', () => {
  const socket = { exportKeyingMaterial: () => Buffer.alloc(32) } as unknown as TLSSocket;
  const field = fc.oneof(fc.jsonValue(), fc.constantFrom('ask', 'look', '0001', ''));
  const body = fc.record(
    {
      kind: field,
      invitation: field,
      publicKey: field,
      computer: field,
      nodes: field,
      port: field,
      host: field,
      version: field,
      request: field,
    },
    { requiredKeys: [] },
  );
  const request = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
    fc
      .tuple(body, fc.oneof(fc.string(), fc.constant('0'.repeat(64))))
      .map(([inner, proof]) => Buffer.from(JSON.stringify({ body: JSON.stringify(inner), proof }))),
  );

  it('that is none is refused in words, and leaves nothing behind', async () => {
    const time = new VirtualTime();
    const random = new SeededRandom(1);
    const log = { info() {}, warn() {}, error() {} };
    const invitations = new Invitations({ clock: time, random });
    invitations.create('office', 600_000);
    const disk = new SimulatedDisk({ timers: time, random });
    const inbox = await time.until(
      JoinInbox.open({ ...{ files: disk, clock: time, log, invitations }, name: () => 'here', changed() {} }),
    );
    const desk = new MembershipDesk({ inbox, noted() {} } as unknown as ConstructorParameters<
      typeof MembershipDesk
    >[0]);
    await fc.assert(
      fc.asyncProperty(request, async (bytes) => {
        await expect(desk.take({ body: bytes, host: '10.0.0.9', socket })).rejects.toBeInstanceOf(
          CoterieError,
        );
      }),
      runs,
    );
    expect(inbox.waiting).toEqual([]);
  });
});

describe('what a computer tells of itself', () => {
  it('is taken or refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(computerNews.safeParse(value).success).toBe(false);
      }),
      runs,
    );
  });
});
