/**
 * The host as a Redis client of its own nodes: the one way in which it touches data, so that it never does storage work
 * and never sees a rule that other clients would not. Pipelined, one connection, reconnects on the next command. No command
 * leaves before the greeting has been accepted: it would run in another keyspace, or be told to somebody who has taken the
 * place of a node that is down. So both sides first show that they hold the cluster's secret (gateway/resp/commands/host.ts).
 */
import { connect, type Socket } from 'node:net';
import { CoterieError, type ErrorCode } from '../base/errors.ts';
import type { Meeting, MutualProof } from '../ports/mutual-proof.ts';
import { encodeCommand } from '../wire/resp/encoder.ts';
import { RespErrorReply, type RespReply, RespReplyParser } from '../wire/resp/reply-parser.ts';

interface Waiting {
  resolve(reply: RespReply): void;
  reject(error: CoterieError): void;
}

const commandWithinMs = 10_000;
const waitingCountMax = 10_000;
/** Somebody who listens and says nothing must not hold a command up: there are other nodes. */
const greetingWithinMs = 2_000;

const codeOfPrefix: Readonly<Record<string, ErrorCode>> = {
  NOQUORUM: 'quorum-not-met',
  CLUSTERDOWN: 'unavailable',
  BUSY: 'busy',
  MISCONF: 'disk-full',
  SIBLINGS: 'too-many-siblings',
  NOAUTH: 'unauthorized',
  NOKEYSPACE: 'not-found',
};

/** The node's words for a mistake of ours (gateway/resp/errors.ts). */
const internalReply = 'ERR internal error; it is logged';
const tooManyClientsReply = 'ERR max number of clients reached';

export interface NodePlace {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Nothing was run: the command did not leave. Another node may be asked, whatever the command is. */
export class NotSent extends CoterieError {}

/** The greeting's steps; each is answered before the next. */
type Step = 'hello' | 'prove' | 'keyspace';

export interface NodeClientComponents {
  /** Null only in tests of nodes that have no host. */
  readonly proof: MutualProof | null;
}

export class NodeClient {
  readonly #address: NodePlace;
  readonly #greeting: readonly string[];
  readonly #proof: MutualProof | null;
  #socket: Socket | null = null;
  /** Commands that wait for the greeting's end; null once it is there. */
  #unsent: Buffer[] | null = null;
  #waiting: Waiting[] = [];
  #parser = new RespReplyParser();

  /** `greeting` is what every connection says first, once both sides have shown who they are: it chooses the keyspace. */
  constructor({ proof }: NodeClientComponents, address: NodePlace, greeting: readonly string[]) {
    this.#proof = proof;
    this.#address = address;
    this.#greeting = greeting;
  }

  get port(): number {
    return this.#address.port;
  }

  /**
   * Rejects with the node's error; with `unavailable` when the node does not answer in time; with `NotSent` when nothing was run:
   * its code is `not-ready` where the node does not know the keyspace yet, `busy` where it has no place for more clients,
   * `unavailable` where there is no node, or somebody else.
   */
  command(words: readonly (string | Buffer)[]): Promise<RespReply> {
    if (this.#waiting.length >= waitingCountMax) {
      return Promise.reject(new NotSent('busy', 'Too many requests wait for this node. Try again.'));
    }
    const socket = this.#open();
    return new Promise<RespReply>((resolve, reject) => {
      const timer = setTimeout(() => {
        // Replies come in order: after one that never came, none can be matched.
        socket.destroy(new Error('no answer in time'));
      }, commandWithinMs);
      this.#waiting.push({
        resolve(reply) {
          clearTimeout(timer);
          if (reply instanceof RespErrorReply) reject(errorOf(reply));
          else resolve(reply);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      });
      const bytes = encodeCommand(words);
      if (this.#unsent === null) socket.write(bytes);
      else this.#unsent.push(bytes);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    if (this.#socket !== null) return this.#socket;
    const { host, port } = this.#address;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    this.#parser = new RespReplyParser();
    this.#unsent = [];
    let refusal: NotSent | null = null;
    const greet = this.#greet(socket);
    const patience = setTimeout(() => socket.destroy(), greetingWithinMs);
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#parser.push(chunk);
        for (let reply = this.#parser.next(); reply !== undefined; reply = this.#parser.next()) {
          if (this.#unsent === null) this.#waiting.shift()?.resolve(reply);
          else if (greet(reply)) {
            clearTimeout(patience);
            for (const bytes of this.#unsent) socket.write(bytes);
            this.#unsent = null;
          }
        }
      } catch (error) {
        if (error instanceof NotSent) refusal = error;
        socket.destroy();
      }
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      clearTimeout(patience);
      const wasOpen = this.#unsent === null;
      if (this.#socket === socket) this.#socket = null;
      const lost = this.#waiting;
      this.#waiting = [];
      const error =
        refusal ??
        (wasOpen
          ? new CoterieError('unavailable', 'The node closed the connection. Try again.')
          : new NotSent('unavailable', 'The node cannot be reached. Try again.'));
      for (const waiting of lost) waiting.reject(error);
    });
    return socket;
  }

  /** Begins the greeting. What it returns takes each answer: true once commands may follow. Throws NotSent. */
  #greet(socket: Socket): (reply: RespReply) => boolean {
    const proof = this.#proof;
    const callerNonce = proof === null ? Buffer.alloc(0) : proof.nonce();
    let step: Step = proof === null ? 'keyspace' : 'hello';
    socket.write(
      encodeCommand(proof === null ? this.#greeting : ['CT.HOST', 'HELLO', callerNonce.toString('hex')]),
    );
    return (reply) => {
      if (reply instanceof RespErrorReply) throw this.#refusalOf(reply, step);
      if (step === 'keyspace') return true;
      if (step === 'hello') {
        socket.write(encodeCommand(['CT.HOST', 'PROVE', this.#proveTo(reply, callerNonce)]));
        step = 'prove';
      } else {
        socket.write(encodeCommand(this.#greeting));
        step = 'keyspace';
      }
      return false;
    };
  }

  /** This side's proof, once the other has given its own. Throws NotSent: then nothing more is said to it. */
  #proveTo(reply: RespReply, callerNonce: Buffer): string {
    const [nonce, given] = Array.isArray(reply) ? reply.map(bytesOfHexadecimal) : [];
    const { name, port } = this.#address;
    const meeting: Meeting = {
      caller: 'host',
      listener: `node ${name}`,
      port,
      callerNonce,
      listenerNonce: nonce ?? Buffer.alloc(0),
    };
    if (nonce === undefined || given === undefined || !this.#proof!.holds('listener', meeting, given)) {
      throw this.#isNobodyKnown();
    }
    return this.#proof!.of('caller', meeting).toString('hex');
  }

  #refusalOf(reply: RespErrorReply, step: Step): NotSent {
    if (reply.message === tooManyClientsReply) {
      return new NotSent('busy', 'The node has no place for more clients. Close some, then try again.');
    }
    if (step !== 'keyspace') return this.#isNobodyKnown();
    return new NotSent('not-ready', 'The node does not know this keyspace yet. Try again.');
  }

  #isNobodyKnown(): NotSent {
    const { host, name, port } = this.#address;
    return new NotSent(
      'unavailable',
      `What answers at ${host}:${port} has not shown that it is ${name} of this cluster. Is another program using this port?`,
    );
  }
}

function bytesOfHexadecimal(word: RespReply): Buffer {
  const text = Buffer.isBuffer(word) ? word.toString('latin1') : '';
  return /^([0-9a-f]{2})+$/.test(text) ? Buffer.from(text, 'hex') : Buffer.alloc(0);
}

function errorOf(reply: RespErrorReply): CoterieError {
  if (reply.message === internalReply) {
    return new CoterieError('internal', 'A node failed by a mistake in Coterie. Its log has the details.');
  }
  const code = codeOfPrefix[reply.prefix];
  if (code === undefined) return new CoterieError('bad-input', reply.message.replace(/^ERR /, ''));
  return new CoterieError(code, reply.message.slice(reply.prefix.length + 1));
}
