/**
 * The host as a Redis client of its own nodes: the one way in which it touches data, so that it never does storage work
 * and never sees a rule that other clients would not. Pipelined, one connection, reconnects on the next command. No command
 * leaves before the greeting has been accepted: it would run in another keyspace.
 */
import { connect, type Socket } from 'node:net';
import { CoterieError, type ErrorCode } from '../base/errors.ts';
import { RespErrorReply, type RespReply, RespReplyParser } from '../wire/resp-reply-parser.ts';

interface Waiting {
  resolve(reply: RespReply): void;
  reject(error: CoterieError): void;
}

const commandWithinMs = 10_000;
const waitingCountMax = 10_000;

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

export class NodeClient {
  readonly #host: string;
  readonly port: number;
  readonly #greeting: readonly string[];
  #socket: Socket | null = null;
  /** Commands that wait for the greeting's answer; null once it is there. */
  #unsent: Buffer[] | null = null;
  #waiting: Waiting[] = [];
  #parser = new RespReplyParser();

  /** `greeting` is the first command of every connection: it chooses the keyspace. */
  constructor(address: { host: string; port: number }, greeting: readonly string[]) {
    this.#host = address.host;
    this.port = address.port;
    this.#greeting = greeting;
  }

  /**
   * Rejects with the node's error; with `unavailable` when the node cannot be reached or does not answer in time; with
   * `not-ready` when it refused the greeting, so that nothing was run.
   */
  command(words: readonly (string | Buffer)[]): Promise<RespReply> {
    if (this.#waiting.length >= waitingCountMax) {
      return Promise.reject(new CoterieError('busy', 'Too many requests wait for this node. Try again.'));
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
    const socket = connect({ host: this.#host, port: this.port, noDelay: true });
    this.#socket = socket;
    this.#parser = new RespReplyParser();
    let refusal: CoterieError | null = null;
    this.#unsent = [];
    socket.write(encodeCommand(this.#greeting));
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#parser.push(chunk);
        for (let reply = this.#parser.next(); reply !== undefined; reply = this.#parser.next()) {
          if (this.#unsent === null) {
            this.#waiting.shift()?.resolve(reply);
            continue;
          }
          if (reply instanceof RespErrorReply) {
            refusal = new CoterieError('not-ready', 'The node does not know this keyspace yet. Try again.');
            socket.destroy();
            break;
          }
          for (const bytes of this.#unsent) socket.write(bytes);
          this.#unsent = null;
        }
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      if (this.#socket === socket) this.#socket = null;
      const lost = this.#waiting;
      this.#waiting = [];
      for (const waiting of lost) {
        waiting.reject(
          refusal ?? new CoterieError('unavailable', 'The node closed the connection. Try again.'),
        );
      }
    });
    return socket;
  }
}

function errorOf(reply: RespErrorReply): CoterieError {
  if (reply.message === internalReply) {
    return new CoterieError('internal', 'A node failed by a mistake in Coterie. Its log has the details.');
  }
  const code = codeOfPrefix[reply.prefix];
  if (code === undefined) return new CoterieError('bad-input', reply.message.replace(/^ERR /, ''));
  return new CoterieError(code, reply.message.slice(reply.prefix.length + 1));
}

export function encodeCommand(words: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === 'string' ? Buffer.from(word) : word;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}
