/**
 * How two nodes meet, as a machine without I/O: frames of the other side go in, frames to send and the peer's number come
 * out. Nothing is said before the caller has shown that it holds the cluster's secret, and nothing to a listener that has
 * not shown the same:
 *
 *   caller    hello   { protocol, oldest, nonce }
 *   listener  hello   { protocol, oldest, nonce }
 *   caller    proof   { node, proof }      the listener takes it as that peer from here on
 *   listener  proof   { proof }            and so does the caller
 *
 * `protocol` is the newest that the side speaks, `oldest` the oldest; both go on with the newest that both speak. It is part of what is
 * proven, so nobody in between can have them speak an older one than they would.
 *
 * The host of a node calls in the same way, as `node: "host"`: to manage a node that went on without it.
 *
 * A frame that is none of these at its place, a proof that does not hold and an unknown peer throw; the link is then closed.
 */
import { CoterieError } from '../../base/errors.ts';
import { type Meeting, type MutualProof, nonceBytes } from '../../ports/mutual-proof.ts';
import { bodyOf, encodeJson, frameType, protocolOldest, protocolVersion, typeOf } from './frames.ts';

/** A node's number, or the host of this computer's nodes. */
export type Caller = number | 'host';

export interface GreetingFacts {
  readonly selfId: Caller;
  readonly clusterId: string;
  /** The listener's port: the one dialled, or the one that the call came in by. */
  readonly port: number;
  /** The peer that was dialled; null on the listener's side. */
  readonly dialled: number | null;
  /** Whether the layout has such a node. */
  isPeer(nodeId: number): boolean;
  /** What this side speaks; by default what this program does. */
  readonly speaks?: Speech;
}

/** A range of protocol versions. */
export interface Speech {
  readonly newest: number;
  readonly oldest: number;
}

const ourSpeech: Speech = { newest: protocolVersion, oldest: protocolOldest };

export interface GreetingStep {
  readonly reply: Buffer | null;
  /** Known from here on; null while it is not. */
  readonly peer: Caller | null;
}

export class PeerGreeting {
  readonly #proof: MutualProof;
  readonly #facts: GreetingFacts;
  readonly #nonce: Buffer;
  readonly #speaks: Speech;
  #otherNonce: Buffer | null = null;
  #protocol = 0;

  constructor(proof: MutualProof, facts: GreetingFacts) {
    this.#proof = proof;
    this.#facts = facts;
    this.#nonce = proof.nonce();
    this.#speaks = facts.speaks ?? ourSpeech;
  }

  /** What both speak from here on; 0 before the other's hello. */
  get protocol(): number {
    return this.#protocol;
  }

  /** What to send when the connection stands; null for the side that was called, which says nothing by itself. */
  begin(): Buffer | null {
    return this.#facts.dialled === null ? null : this.#hello();
  }

  /** Throws `bad-input`, `unsupported` or `unauthorized`. */
  take(frame: Buffer): GreetingStep {
    const body = fieldsOf(frame);
    if (this.#otherNonce === null) {
      if (typeOf(frame) !== frameType.hello) throw notAGreeting();
      return this.#metHello(body);
    }
    if (typeOf(frame) !== frameType.proof) throw notAGreeting();
    return this.#facts.dialled === null ? this.#calledBy(body) : this.#answeredBy(body, this.#facts.dialled);
  }

  #hello(): Buffer {
    const { newest, oldest } = this.#speaks;
    return encodeJson(frameType.hello, 0, { protocol: newest, oldest, nonce: this.#nonce.toString('hex') });
  }

  #metHello({ protocol, oldest, nonce }: Readonly<Record<string, unknown>>): GreetingStep {
    this.#protocol = commonOf(this.#speaks, protocol, oldest);
    this.#otherNonce = bytesOf(nonce, nonceBytes);
    const { dialled, selfId } = this.#facts;
    if (dialled === null) return { reply: this.#hello(), peer: null };
    const proof = this.#proof.of('caller', this.#meeting(selfId, dialled)).toString('hex');
    return { reply: encodeJson(frameType.proof, 0, { node: selfId, proof }), peer: null };
  }

  #calledBy({ node, proof }: Readonly<Record<string, unknown>>): GreetingStep {
    if (!isCaller(node)) throw notAGreeting();
    const meeting = this.#meeting(node, this.#facts.selfId);
    if (!this.#proof.holds('caller', meeting, bytesOf(proof))) {
      throw new CoterieError('unauthorized', 'It does not hold the secret of this cluster.');
    }
    if (node !== 'host' && !this.#facts.isPeer(node)) {
      throw new CoterieError('unauthorized', 'It is no node of this layout.');
    }
    const own = this.#proof.of('listener', meeting).toString('hex');
    return { reply: encodeJson(frameType.proof, 0, { proof: own }), peer: node };
  }

  #answeredBy({ proof }: Readonly<Record<string, unknown>>, dialled: number): GreetingStep {
    const meeting = this.#meeting(this.#facts.selfId, dialled);
    if (!this.#proof.holds('listener', meeting, bytesOf(proof))) {
      throw new CoterieError(
        'unauthorized',
        'What listens there does not hold the secret of this cluster, or is not the node that was called.',
      );
    }
    return { reply: null, peer: dialled };
  }

  #meeting(caller: Caller, listener: Caller): Meeting {
    const { clusterId, port, dialled } = this.#facts;
    const [callerNonce, listenerNonce] =
      dialled === null ? [this.#otherNonce!, this.#nonce] : [this.#nonce, this.#otherNonce!];
    const terms = `${clusterId}, protocol ${this.#protocol}`;
    return {
      caller: nameOf(caller, terms),
      listener: nameOf(listener, terms),
      port,
      callerNonce,
      listenerNonce,
    };
  }
}

function isCaller(node: unknown): node is Caller {
  return node === 'host' || (typeof node === 'number' && Number.isSafeInteger(node) && node >= 0);
}

function nameOf(caller: Caller, terms: string): string {
  return caller === 'host' ? `host of ${terms}` : `node ${caller} of ${terms}`;
}

/** The newest version that both speak. Throws `unsupported`. One that names no oldest speaks its newest alone. */
function commonOf({ newest, oldest }: Speech, theirNewest: unknown, theirOldest: unknown): number {
  if (!isVersion(theirNewest)) throw notAGreeting();
  const theirs: Speech = {
    newest: theirNewest,
    oldest: isVersion(theirOldest) && theirOldest <= theirNewest ? theirOldest : theirNewest,
  };
  const common = Math.min(newest, theirs.newest);
  if (common >= Math.max(oldest, theirs.oldest)) return common;
  throw new CoterieError(
    'unsupported',
    `It speaks protocol ${inWords(theirs)}, this node ${inWords({ newest, oldest })}. Run the same version of Coterie on all computers.`,
  );
}

function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 16;
}

function inWords({ newest, oldest }: Speech): string {
  return newest === oldest ? String(newest) : `${oldest} to ${newest}`;
}

function notAGreeting(): CoterieError {
  return new CoterieError('bad-input', 'It did not introduce itself as a node does.');
}

function fieldsOf(frame: Buffer): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(bodyOf(frame).toString());
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  } catch {
    // Not JSON: refused like any other stranger.
  }
  throw notAGreeting();
}

/** The bytes of a hexadecimal text; of any length when none is given. */
function bytesOf(text: unknown, length?: number): Buffer {
  const isHex = typeof text === 'string' && /^([0-9a-f]{2})*$/.test(text);
  if (!isHex || (length !== undefined && text.length !== length * 2)) throw notAGreeting();
  return Buffer.from(text, 'hex');
}
