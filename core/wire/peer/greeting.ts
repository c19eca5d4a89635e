/**
 * How two nodes meet, as a machine without I/O: frames of the other side go in, frames to send and the peer's number come
 * out. Nothing is said before the caller has shown that it holds the cluster's secret, and nothing to a listener that has
 * not shown the same:
 *
 *   caller    hello   { protocol, nonce }
 *   listener  hello   { protocol, nonce }
 *   caller    proof   { node, proof }      the listener takes it as that peer from here on
 *   listener  proof   { proof }            and so does the caller
 *
 * The host of a node calls in the same way, as `node: "host"`: to manage a node that went on without it.
 *
 * A frame that is none of these at its place, a proof that does not hold and an unknown peer throw; the link is then closed.
 */
import { CoterieError } from '../../base/errors.ts';
import { type Meeting, type MutualProof, nonceBytes } from '../../ports/mutual-proof.ts';
import { bodyOf, encodeJson, frameType, protocolVersion, typeOf } from './frames.ts';

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
}

export interface GreetingStep {
  readonly reply: Buffer | null;
  /** Known from here on; null while it is not. */
  readonly peer: Caller | null;
}

export class PeerGreeting {
  readonly #proof: MutualProof;
  readonly #facts: GreetingFacts;
  readonly #nonce: Buffer;
  #otherNonce: Buffer | null = null;

  constructor(proof: MutualProof, facts: GreetingFacts) {
    this.#proof = proof;
    this.#facts = facts;
    this.#nonce = proof.nonce();
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
    return encodeJson(frameType.hello, 0, { protocol: protocolVersion, nonce: this.#nonce.toString('hex') });
  }

  #metHello({ protocol, nonce }: Readonly<Record<string, unknown>>): GreetingStep {
    if (protocol !== protocolVersion) {
      const theirs = typeof protocol === 'number' ? String(protocol) : 'none';
      throw new CoterieError(
        'unsupported',
        `It speaks protocol ${theirs}, this node ${protocolVersion}. Run the same version of Coterie on all computers.`,
      );
    }
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
    return {
      caller: nameOf(caller, clusterId),
      listener: nameOf(listener, clusterId),
      port,
      callerNonce,
      listenerNonce,
    };
  }
}

function isCaller(node: unknown): node is Caller {
  return node === 'host' || (typeof node === 'number' && Number.isSafeInteger(node) && node >= 0);
}

function nameOf(caller: Caller, clusterId: string): string {
  return caller === 'host' ? `host of ${clusterId}` : `node ${caller} of ${clusterId}`;
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
