/**
 * Commands between gateways: a client's single-key command whose key another node coordinates travels there whole, and
 * the reply's bytes come back to be passed on as they are.
 *
 * The receiving gateway never forwards again: a second hop could go round in circles. When the two nodes disagree about who
 * coordinates the key (a layout change is spreading), it runs the command through its own store; if that cannot serve the key, the
 * store's error is the answer. A read-modify-write says by which layout's order it was sent, so that a node which decides
 * no more, or not yet, can refuse it, and the sender asks again in a moment (replication/coordinator/meeting.ts).
 *
 * What its user may do was asked where the client is (permissions.ts), and is not asked again: only nodes of the cluster can send
 * here, and a node that lied about its user could as well ask the replicas themselves.
 *
 * Request: a RESP command whose first word holds the session's facts. Reply: one byte with the number of replicas that
 * had acknowledged (for WAIT; 255 at most), then RESP.
 */
import { CoterieError } from '../../base/errors.ts';
import { parseConsistencyLevel } from '../../base/levels.ts';
import type { KeyValueStore } from '../../ports/key-value-store.ts';
import { encodeCommand, type RespEncoder } from '../../wire/resp/encoder.ts';
import { RespRequestParser } from '../../wire/resp/parser.ts';
import { purposeOf } from './command.ts';
import { memoryShort } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { type ReplySink, Request } from './request.ts';
import { Session } from './session.ts';

const formatVersion = '1';

/** `order`: the store's `meetingOrder`, for a read-modify-write; 0: it need not meet others. What came from another node is not sent on again. */
export function encodeForwarded(session: Session, argv: readonly Buffer[], order: number): Buffer {
  const facts = [
    formatVersion,
    session.protocol,
    session.keyspace.id,
    session.readLevel ?? '-',
    session.writeLevel ?? '-',
    order,
    session.forwarded ? 1 : 0,
  ].join(' ');
  return encodeCommand([facts, ...argv]);
}

function decodeForwarded(store: KeyValueStore, bytes: Buffer): { session: Session; argv: Buffer[] } {
  const parser = new RespRequestParser();
  parser.push(bytes);
  const words = parser.next();
  if (words === null || words.length < 2)
    throw new CoterieError('bad-input', 'a forwarded command is incomplete');
  // Without an order: by a version that knew none.
  const [version, protocol, keyspace, readLevel, writeLevel, order = '0', sentOn = '0'] = words[0]
    .toString('latin1')
    .split(' ');
  if (version !== formatVersion || !/^[0-9]+$/.test(keyspace ?? '') || !/^[0-9]+$/.test(order)) {
    throw new CoterieError('unsupported', 'the forwarding node runs another version of Coterie');
  }
  const session = new Session(store, true);
  session.protocol = protocol === '3' ? 3 : 2;
  session.selectKeyspace(Number(keyspace));
  session.order = Number(order);
  session.isSentOn = sentOn === '1';
  session.setLevels(
    parseConsistencyLevel(readLevel ?? '') ?? null,
    parseConsistencyLevel(writeLevel ?? '') ?? null,
  );
  return { session, argv: words.slice(1) };
}

const replyTypes = Buffer.from('+-:$*_#,(%~=!|>', 'latin1');
const lineEnd = Buffer.from('\r\n', 'latin1');

/** Throws `unavailable` for what cannot be a reply: passed on, it would put the client's replies out of step. */
export function readForwardedReply(bytes: Buffer): { acknowledgedCount: number; body: Buffer } {
  const body = bytes.subarray(1);
  if (!replyTypes.includes(body[0] ?? 0) || !body.subarray(-2).equals(lineEnd)) {
    throw new CoterieError('unavailable', 'The node that holds this key gave no usable answer. Try again.');
  }
  return { acknowledgedCount: bytes[0], body };
}

/** Commands of other nodes may hold this part of the budget: their clients are counted there, and must not starve those here. */
const forwardedFraction = 0.25;

/** Runs commands that other nodes' gateways send here. */
export function serveForwarded(gateway: Gateway): void {
  // It cannot give way: it is bounded by refusing what is new.
  const share = gateway.budget.open({ giveWay: () => {}, goOn: () => {} });
  const bytesMax = gateway.budget.bytesMax * forwardedFraction;
  gateway.store.onForwarded((bytes, replyTo) => {
    gateway.standstill.look();
    if (gateway.standstill.isWaking) {
      replyTo(new CoterieError('not-ready', 'The node that holds this key stood still. Try again.'), null);
      return;
    }
    if (share.bytes > 0 && share.bytes + bytes.length > bytesMax) {
      replyTo(new CoterieError('busy', memoryShort.slice('BUSY '.length)), null);
      return;
    }
    share.add(bytes.length);
    const reply: typeof replyTo = (error, body) => {
      share.add(-bytes.length);
      replyTo(error, body);
    };
    const sink: ReplySink = {
      client: null,
      deliver(request: Request, encoder: RespEncoder) {
        const body = encoder.take();
        if (request.notBegun !== null) {
          // The node that forwarded it may ask another one.
          reply(request.notBegun, null);
          return;
        }
        const acknowledged = request.writes?.at(-1)?.result.acknowledgedCount ?? 0;
        reply(null, Buffer.concat([Buffer.from([Math.min(acknowledged, 255)]), ...body]));
      },
    };
    let decoded: { session: Session; argv: Buffer[] };
    try {
      decoded = decodeForwarded(gateway.store, bytes);
    } catch (cause) {
      new Request(gateway, new Session(gateway.store, true), [], sink).fail(cause);
      return;
    }
    const request = new Request(gateway, decoded.session, decoded.argv, sink);
    request.bytes = bytes.length;
    if (!gateway.admit(request)) return;
    const { writeRefusal } = gateway.store;
    // Before anything is done: then the node that forwarded it may ask another one.
    if (writeRefusal !== null && purposeOf(request.command!, decoded.argv) !== 'read')
      reply(writeRefusal, null);
    else if (request.command!.kind === 'key') gateway.run(request);
    else request.error('ERR only commands with one key are forwarded');
  });
}
