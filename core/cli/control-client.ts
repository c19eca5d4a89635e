/** The command line's side of the control port: finds the host through the data folder and calls ClusterApi on it. */
import { CoterieError, type ErrorCode } from '../base/errors.ts';
import type { MethodInput, MethodName, MethodOutput } from '../contract/api.ts';
import { readControlAddress } from '../host/servers/control-server.ts';

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
    const absent = new CoterieError(
      'unavailable',
      `No Coterie runs on the data folder ${this.#folder}. Start one with: coterie serve --data ${this.#folder}`,
    );
    if (address === null) throw absent;
    let response: Response;
    try {
      response = await fetch(address.url, {
        method: 'POST',
        headers: { Authorization: `Bearer ${address.token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ method, input }),
      });
    } catch {
      throw absent;
    }
    const body = (await response.json()) as {
      output?: unknown;
      error?: { code: ErrorCode; message: string };
    };
    if (body.error !== undefined) throw new CoterieError(body.error.code, body.error.message);
    return body.output;
  }
}
