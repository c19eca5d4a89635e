/** Calls to other computers of the cluster: HTTP over mutual TLS, one answer for one question. */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { CoterieError, type ErrorCode, errorCodes } from '../base/errors.ts';
import type { Place } from './peer-transport.ts';
import { type Credentials, certificateOf, memberOptions } from './tls-transport.ts';

/** For TCP and the handshake. */
const connectWithinMs = 5_000;
/** Layouts of a thousand nodes have some megabytes. */
const answerBytesMax = 64 * 1024 * 1024;

export interface CallOptions {
  readonly withinMs: number;
  readonly signal?: AbortSignal;
}

export class ComputerCalls {
  readonly #credentials: () => Credentials;
  #agent: Agent;
  readonly #admits: (certificate: X509Certificate) => boolean;

  /** `admits`: whether a computer with that certificate is called. */
  constructor(credentials: () => Credentials, admits: (certificate: X509Certificate) => boolean) {
    this.#admits = admits;
    this.#credentials = credentials;
    this.#agent = this.#newAgent();
  }

  #newAgent(): Agent {
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    // Nothing is sent before the other side's key was looked at.
    agent.createConnection = ({ host, port }, done) => {
      const socket = connect({ host: host!, port: Number(port), ...memberOptions(this.#credentials()) });
      const fail = (cause: Error) => {
        socket.destroy();
        done?.(cause, socket);
      };
      socket.once('error', fail);
      socket.setTimeout(connectWithinMs, () => fail(new Error('no answer in time')));
      socket.once('secureConnect', () => {
        const certificate = certificateOf(socket);
        if (certificate === null || !this.#admits(certificate)) {
          fail(new Error('its key is not one of this cluster'));
          return;
        }
        socket.off('error', fail);
        socket.setTimeout(0);
        done?.(null, socket);
      });
      return undefined;
    };
    return agent;
  }

  /** There are other credentials: calls from now on go with them, those that are under way end as they began. */
  renew(): void {
    const before = this.#agent;
    this.#agent = this.#newAgent();
    for (const socket of Object.values(before.freeSockets).flatMap((sockets) => sockets ?? []))
      socket.destroy();
  }

  /** Rejects with what the other side says, and with `unavailable` where it cannot be reached, or takes too long. */
  call(to: Place, path: string, body: Buffer, { withinMs, signal }: CallOptions): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error) =>
        reject(
          cause instanceof CoterieError
            ? cause
            : new CoterieError('unavailable', `${to.host}:${to.port} cannot be reached: ${cause.message}.`),
        );
      const asked = request(
        {
          ...{ host: to.host, port: to.port, path, method: 'POST', agent: this.#agent, signal },
          headers: { 'Content-Type': 'application/json', 'Content-Length': body.length },
        },
        (response) => {
          answerIn(response)
            .finally(() => clearTimeout(patience))
            .then(resolve, fail);
        },
      );
      const patience = setTimeout(() => asked.destroy(new Error('no answer in time')), withinMs);
      asked.on('error', (cause) => {
        clearTimeout(patience);
        fail(cause);
      });
      asked.end(body);
    });
  }

  /** Connections to whoever would not be called any more end. */
  dropRemoved(): void {
    for (const kept of [this.#agent.sockets, this.#agent.freeSockets]) {
      for (const socket of Object.values(kept).flatMap((sockets) => sockets ?? [])) {
        const certificate = certificateOf(socket as TLSSocket);
        if (certificate !== null && !this.#admits(certificate)) socket.destroy();
      }
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The whole body. Rejects with what the other side says against it, and where it breaks off or is too large. */
export function answerIn(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    response.on('data', (part: Buffer) => {
      length += part.length;
      if (length > answerBytesMax) response.destroy(new Error('its answer is too large'));
      else parts.push(part);
    });
    response.on('error', reject);
    response.on('end', () => {
      const answer = Buffer.concat(parts);
      if (response.statusCode === 200) resolve(answer);
      else reject(refusalIn(answer));
    });
  });
}

/** What a computer answers in place of what was asked for. */
function refusalIn(answer: Buffer): CoterieError {
  try {
    const { code, message } = (JSON.parse(answer.toString()) as { error: { code: string; message: string } })
      .error;
    const known = errorCodes.find((one) => one === code) as ErrorCode | undefined;
    return new CoterieError(known ?? 'unavailable', String(message).slice(0, 2_000));
  } catch {
    return new CoterieError('unavailable', 'The other computer gave no answer that can be understood.');
  }
}
