/** The command line's side of the control port: finds the host through the data folder and calls ClusterApi on it. */
import { CoterieError, type ErrorCode } from '../base/errors.ts';
import type { MethodInput, MethodName, MethodOutput } from '../contract/api.ts';
import { readControlAddress } from '../host/servers/control-server.ts';
import { processState } from '../platform/process-state.ts';

/** A node that finishes what it has takes its time. */
const answerWithinMs = 120_000;
const lookEveryMs = 2_000;

export class ControlClient {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  call<M extends MethodName>(method: M, input: MethodInput<M>): Promise<MethodOutput<M>> {
    return this.#send(method, input) as Promise<MethodOutput<M>>;
  }

  async loginLink(): Promise<string> {
    return ((await this.#send('host.loginLink', {})) as { url: string }).url;
  }

  async #send(method: string, input: unknown): Promise<unknown> {
    const address = readControlAddress(this.#folder);
    if (address === null) throw this.#absent();
    const waiting = new AbortController();
    const patience = this.#watch(address.pid, waiting);
    let body: { output?: unknown; error?: { code: ErrorCode; message: string } };
    try {
      const response = await fetch(address.url, {
        method: 'POST',
        headers: { Authorization: `Bearer ${address.token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ method, input }),
        signal: waiting.signal,
      });
      body = (await response.json()) as typeof body;
    } catch {
      if (waiting.signal.aborted) throw waiting.signal.reason;
      throw this.#absent();
    } finally {
      clearInterval(patience);
    }
    if (body.error !== undefined) throw new CoterieError(body.error.code, body.error.message);
    return body.output;
  }

  #absent(): CoterieError {
    return new CoterieError(
      'unavailable',
      `No Coterie runs on the data folder ${this.#folder}. Start one with: coterie serve --data ${this.#folder}`,
      { absent: true },
    );
  }

  /** Gives up on a host that is stopped, or gone while its port is still open, or takes too long. */
  #watch(pid: number, waiting: AbortController): ReturnType<typeof setInterval> {
    const sinceMs = performance.now();
    const giveUp = (message: string) => waiting.abort(new CoterieError('unavailable', message));
    return setInterval(() => {
      const state = processState(pid);
      if (state === 'gone') waiting.abort(this.#absent());
      else if (state === 'stopped') {
        giveUp(
          `Coterie runs on ${this.#folder} as process ${pid}, but is stopped and does nothing. Let it go on (kill -CONT ${pid}), or end it and start it anew.`,
        );
      } else if (performance.now() - sinceMs >= answerWithinMs) {
        giveUp(
          `Coterie runs on ${this.#folder} as process ${pid}, but gave no answer within ${answerWithinMs / 1_000} seconds. It may still do what was asked: look before you try again.`,
        );
      }
    }, lookEveryMs);
  }
}
