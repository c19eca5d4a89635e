/** The RESP gateway without sockets: words in, reply text out, and what was logged; in virtual time. */
import { createCommandTable } from '../../core/gateway/resp/command-table.ts';
import { Gateway } from '../../core/gateway/resp/gateway.ts';
import { type ClientControl, Request } from '../../core/gateway/resp/request.ts';
import { Session } from '../../core/gateway/resp/session.ts';
import { respServerDefaults } from '../../core/gateway/resp/settings.ts';
import type { KeyValueStore } from '../../core/ports/key-value-store.ts';
import { LogCapture, type LoggedError } from './log-capture.ts';
import { SeededRandom } from './seeded-random.ts';
import { VirtualTime } from './virtual-time.ts';

export class VirtualGateway {
  readonly time: VirtualTime;
  readonly log = new LogCapture();
  readonly gateway: Gateway;
  readonly session: Session;

  get errors(): readonly LoggedError[] {
    return this.log.errors;
  }

  constructor(store: KeyValueStore, time = new VirtualTime()) {
    this.time = time;
    const { log } = this;
    const components = { store, clock: time, timers: time, log, random: new SeededRandom(1) };
    this.gateway = new Gateway(components, respServerDefaults, createCommandTable());
    this.session = new Session(store, false);
  }

  /** Every reply that one command gets, as raw text: a right command gets one. */
  async run(words: readonly string[], client: ClientControl | null = null): Promise<string[]> {
    const replies: string[] = [];
    const argv = words.map((word) => Buffer.from(word, 'latin1'));
    const request = new Request(this.gateway, this.session, argv, {
      client,
      deliver(_, encoder) {
        replies.push(Buffer.concat(encoder.take()).toString('latin1'));
      },
    });
    if (this.gateway.admit(request)) this.gateway.run(request);
    await this.time.advance(1_000);
    return replies;
  }
}
