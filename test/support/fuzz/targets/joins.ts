import type { TLSSocket } from 'node:tls';
import { type ErrorCode, errorCodes } from '../../../../core/base/errors.ts';
import { productVersion } from '../../../../core/base/version.ts';
import { JoinInbox } from '../../../../core/host/computers/join-inbox.ts';
import { joinAnswer } from '../../../../core/host/computers/join-messages.ts';
import { placeIn } from '../../../../core/host/computers/known-places.ts';
import { MembershipDesk } from '../../../../core/host/computers/membership-desk.ts';
import { Invitations } from '../../../../core/security/invitations.ts';
import { encodeJoinCode, joinLinkOf, joinProof, readJoinCode } from '../../../../core/security/join-code.ts';
import { layoutOf } from '../../layouts.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { SimulatedDisk } from '../../simulated-disk.ts';
import { VirtualTime } from '../../virtual-time.ts';
import { json, message } from '../json-target.ts';
import { type FuzzTarget, reader } from '../target.ts';
import { access, authority, pem, place } from './samples.ts';

const everyCode: readonly ErrorCode[] = errorCodes.filter((code) => code !== 'internal');

const link = encodeJoinCode({ id: '00ff', secret: Buffer.alloc(10, 3), fingerprint: Buffer.alloc(32, 9) });

const exporter = Buffer.alloc(32, 1);
const socket = { exportKeyingMaterial: () => exporter } as unknown as TLSSocket;
const asked = {
  ...{
    kind: 'ask',
    publicKey: Buffer.alloc(91, 4).toString('base64'),
    computer: 'Kitchen',
    nodes: 1,
    port: 7_421,
    host: null,
  },
  version: productVersion,
};

/** The body of a request to come in; the proof is made for it, so that what is behind the proof is reached. */
const joinRequests: FuzzTarget = reader({
  ...{ name: 'join-request', refusals: everyCode, words: ['"kind":"look"', '"request":""', '"invitation"'] },
  seeds: [
    json({ ...asked, invitation: '0000' }),
    json({ kind: 'look', request: 'x' }),
    json({ body: '{"kind":"look"}', proof: '00'.repeat(32) }),
  ],
  async read(bytes) {
    const time = new VirtualTime();
    const random = new SeededRandom(1);
    const log = { info() {}, warn() {}, error() {} };
    const invitations = new Invitations({ clock: time, random });
    const { id, secret } = invitations.create('office', 600_000);
    const disk = new SimulatedDisk({ timers: time, random });
    const inbox = await time.until(
      JoinInbox.open({ ...{ files: disk, clock: time, log, invitations }, name: () => 'here', changed() {} }),
    );
    const layouts = { present: layoutOf({ here: 1 }) };
    const desk = new MembershipDesk({
      ...{ inbox, layouts, own: new Set(['computer-1']) },
      noted() {},
    } as unknown as ConstructorParameters<typeof MembershipDesk>[0]);
    const body = bytes.toString().replace('"invitation":"0000"', `"invitation":"${id}"`);
    const proof = joinProof(secret, exporter, Buffer.from(body)).toString('hex');
    const whole = body.includes('"proof"') ? bytes : json({ body, proof });
    return time.until(desk.take({ body: whole, host: '10.0.0.9', socket }));
  },
  holds: (answer) => {
    if (!joinAnswer.safeParse(JSON.parse(JSON.stringify(answer))).success)
      throw new Error('The newcomer would not understand the answer.');
    return answer.state;
  },
});

export const joinTargets: readonly FuzzTarget[] = [
  joinRequests,
  reader({
    ...{
      name: 'join-code',
      refusals: ['bad-input', 'unsupported'],
      seeds: [link, joinLinkOf(link, ['10.0.0.1:7430', '[::1]:7430'])],
    },
    words: ['coterie://join/', '?at=', ',', '-', 'O', 'L', '%', 'ß', 'ŉ', '\u2126'],
    read: (bytes) => readJoinCode(bytes.toString()),
    holds(code) {
      for (const at of code.at) placeIn(at);
      const again = readJoinCode(joinLinkOf(encodeJoinCode(code), code.at));
      if (JSON.stringify(again) !== JSON.stringify(code))
        throw new Error('A code changes when it is written again.');
      return `${code.at.length > 0}`;
    },
  }),
  message('join-answer', joinAnswer, [
    { state: 'waiting', request: 'x', cluster: 'c', at: 'here' },
    { state: 'refused' },
    {
      state: 'approved',
      grant: {
        ...{
          clusterId: 'c',
          computer: 'c2',
          certificate: pem,
          authority,
          secret: '07'.repeat(32),
          live: [{}],
          places: [place],
        },
        access,
      },
    },
  ]),
];
