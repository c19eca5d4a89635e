/**
 * ClusterApi over one WebSocket at `/api`. Reconnects with growing waits, until the host says that this browser is not logged
 * in; calls that were under way when the connection ended are rejected, because nobody knows whether they were carried out.
 */
import type {
  ClientFrame,
  ClusterEvent,
  MethodInput,
  MethodName,
  MethodOutput,
  ServerFrame,
} from '../../../core/contract/api.ts';
import {
  pageFrameBytesMax,
  sessionEndedCode,
  socketProtocol,
  socketTokenPrefix,
} from '../../../core/contract/session.ts';
import { CallError, type ConnectedApi, type Connection } from './connection.ts';
import { SessionToken } from './session-token.ts';

const retryMinMs = 300;
const retryMaxMs = 10_000;
const callTimeoutMs = 30_000;

interface PendingCall {
  resolve(output: unknown): void;
  reject(error: CallError): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class SocketApi implements ConnectedApi {
  readonly #url: string;
  readonly #token = new SessionToken();
  readonly #calls = new Map<number, PendingCall>();
  readonly #eventListeners = new Set<(event: ClusterEvent) => void>();
  readonly #connectionListeners = new Set<(connection: Connection) => void>();
  #socket: WebSocket | null = null;
  #connection: Connection = { state: 'connecting' };
  #attempt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #nextCallId = 1;

  constructor(url: string) {
    this.#url = url;
    this.#token.whenRenewed(() => this.retryNow());
    this.#open();
  }

  call<M extends MethodName>(method: M, input: MethodInput<M>): Promise<MethodOutput<M>> {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) {
        reject(
          new CallError('unavailable', 'Not connected to the host. Try again when the connection is back.'),
        );
        return;
      }
      const id = this.#nextCallId++;
      const frame = textOf({ kind: 'call', id, method, input });
      // The host would end the connection, and nobody would know why.
      if (frame.length > pageFrameBytesMax / 4 && new Blob([frame]).size > pageFrameBytesMax) {
        reject(
          new CallError(
            'too-large',
            `The page sends at most ${pageFrameBytesMax >> 20} MiB at once. Write so large a value with a Redis client, over HTTP, or with: coterie put`,
          ),
        );
        return;
      }
      const timer = setTimeout(() => {
        this.#calls.delete(id);
        reject(
          new CallError(
            'unavailable',
            'The host did not answer within 30 seconds. Look before you try again.',
          ),
        );
      }, callTimeoutMs);
      this.#calls.set(id, { resolve: (output) => resolve(output as MethodOutput<M>), reject, timer });
      this.#send(frame);
    });
  }

  subscribe(listener: (event: ClusterEvent) => void): () => void {
    this.#eventListeners.add(listener);
    if (this.#eventListeners.size === 1) this.#send(textOf({ kind: 'subscribe' }));
    else this.restartEvents();
    return () => this.#eventListeners.delete(listener);
  }

  watchConnection(listener: (connection: Connection) => void): () => void {
    this.#connectionListeners.add(listener);
    listener(this.#connection);
    return () => this.#connectionListeners.delete(listener);
  }

  /** The host keeps one subscription for each connection, so a fresh one needs a fresh connection. */
  restartEvents(): void {
    this.#socket?.close();
  }

  retryNow(): void {
    const { state } = this.#connection;
    if (state !== 'lost' && state !== 'logged-out') return;
    clearTimeout(this.#retryTimer);
    this.#open();
  }

  #open(): void {
    const token = this.#token.value;
    const proof = token === null ? [] : [`${socketTokenPrefix}${token}`];
    const socket = new WebSocket(this.#url, [socketProtocol, ...proof]);
    let opened = false;
    this.#socket = socket;
    socket.onopen = () => {
      opened = true;
      this.#attempt = 0;
      this.#become({ state: 'open' });
      if (this.#eventListeners.size > 0) this.#send(textOf({ kind: 'subscribe' }));
    };
    socket.onmessage = (message) => this.#receive(JSON.parse(String(message.data)) as ServerFrame);
    socket.onclose = ({ code }) => {
      if (this.#socket !== socket) return;
      this.#lose();
      if (code === sessionEndedCode) this.#logOut();
      // A browser does not tell a page why a WebSocket was refused.
      else if (!opened) void this.#askWhy();
    };
  }

  async #askWhy(): Promise<void> {
    if ((await this.#token.isRefused()) && this.#connection.state === 'lost') this.#logOut();
  }

  #logOut(): void {
    clearTimeout(this.#retryTimer);
    this.#token.forget();
    this.#become({ state: 'logged-out' });
  }

  #lose(): void {
    this.#socket = null;
    for (const { reject, timer } of this.#calls.values()) {
      clearTimeout(timer);
      reject(
        new CallError(
          'unavailable',
          'The connection ended before the answer came. Look before you try again.',
        ),
      );
    }
    this.#calls.clear();
    const waitMs = this.#attempt === 0 ? retryMinMs : Math.min(retryMaxMs, retryMinMs * 2 ** this.#attempt);
    this.#attempt++;
    this.#become({ state: 'lost', retryAtMs: Date.now() + waitMs, attempt: this.#attempt });
    this.#retryTimer = setTimeout(() => this.#open(), waitMs);
  }

  #receive(frame: ServerFrame): void {
    if (frame.kind === 'event') {
      for (const listener of this.#eventListeners) listener(frame.event);
      return;
    }
    const pending = this.#calls.get(frame.id);
    if (pending === undefined) return;
    this.#calls.delete(frame.id);
    clearTimeout(pending.timer);
    if (frame.kind === 'result') pending.resolve(frame.output);
    else pending.reject(new CallError(frame.error.code, frame.error.message));
  }

  #send(frame: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  #become(connection: Connection): void {
    this.#connection = connection;
    for (const listener of this.#connectionListeners) listener(connection);
  }
}

function textOf(frame: ClientFrame): string {
  return JSON.stringify(frame);
}
