/**
 * Requests of computers that want to come in, at the computer whose code they showed. They are kept in a file: a restart loses none,
 * and one that was let in gets what it needs however often the connection breaks. Who blocks a key sees no request of it again.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { CoterieError } from '../../base/errors.ts';
import { InTurn } from '../../base/in-turn.ts';
import type { JoinRequest } from '../../contract/computer-views.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { keyFingerprint } from '../../security/fingerprints.ts';
import { type Invitations, isProved, type Proved } from '../../security/invitations.ts';
import type { SecretStore } from '../../security/secret-files.ts';
import type { JoinBody } from './join-messages.ts';

const file = 'join-requests.json';
const openMax = 64;
const blockedMax = 256;
/** A request that nobody answered is forgotten after that, an answered one as well. */
const keptMs = 7 * 86_400_000;

const kept = z.object({
  id: z.string(),
  computer: z.string(),
  address: z.string(),
  port: z.number(),
  publicKey: z.string(),
  fingerprint: z.string(),
  dataCenter: z.string(),
  nodes: z.number(),
  askedAtMs: z.number(),
  /** Of the invitation, in hexadecimal: by it the asker is known again. */
  secret: z.string(),
  state: z.enum(['waiting', 'refused', 'approved']),
  /** Its id in the layout, once it is let in. */
  computerId: z.string().nullable(),
});
export type KeptRequest = Readonly<z.infer<typeof kept>>;
const fileSchema = z.object({ requests: z.array(kept), blocked: z.array(z.string()) });

interface Components {
  readonly files: SecretStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly invitations: Invitations;
  /** Of this computer, for people. */
  readonly name: () => string;
  /** There is a new request, or one less. */
  readonly changed: () => void;
}

export class JoinInbox {
  readonly #parts: Components;
  #requests: readonly KeptRequest[];
  #blocked: readonly string[];
  readonly #turns = new InTurn();

  private constructor(parts: Components, requests: readonly KeptRequest[], blocked: readonly string[]) {
    this.#parts = parts;
    this.#requests = requests;
    this.#blocked = blocked;
  }

  static async open(parts: Components): Promise<JoinInbox> {
    try {
      const { requests, blocked } = fileSchema.parse(
        JSON.parse((await parts.files.readFile(file)).toString()),
      );
      return new JoinInbox(parts, requests, blocked);
    } catch (cause) {
      const { code, message } = cause as CoterieError;
      if (code !== 'not-found') {
        parts.log.warn(`${file} cannot be used. Computers that wait have to ask anew.`, { cause: message });
      }
      return new JoinInbox(parts, [], []);
    }
  }

  /** Those that wait for a person, oldest first. */
  get waiting(): JoinRequest[] {
    return this.#requests
      .filter(({ state }) => state === 'waiting')
      .map(({ id, computer, address, fingerprint, dataCenter, nodes, askedAtMs }) => ({
        ...{ id, computer, address, fingerprint, dataCenter, nodes, askedAtMs },
        at: this.#parts.name(),
      }));
  }

  /**
   * Uses the code up. `address`: where the computer is reached, `from`: where it called from. Throws `unauthorized` where the code is
   * none, `busy` while too many wait.
   */
  async ask(
    ask: Extract<JoinBody, { kind: 'ask' }>,
    proved: Proved,
    { address, from }: { address: string; from: string },
  ): Promise<KeptRequest> {
    const { clock, invitations } = this.#parts;
    this.#forgetOld();
    if (this.#requests.filter(({ state }) => state === 'waiting').length >= openMax) {
      throw new CoterieError('busy', `${openMax} computers wait to be let in already. Answer them first.`);
    }
    const { secret, dataCenter } = invitations.take(ask.invitation, proved, from);
    const fingerprint = keyFingerprint(ask.publicKey);
    if (this.#blocked.includes(fingerprint)) {
      throw new CoterieError(
        'unauthorized',
        'This computer is not wanted here. Ask whoever looks after the cluster.',
      );
    }
    const request: KeptRequest = {
      id: randomUUID(),
      ...{
        computer: ask.computer,
        address,
        port: ask.port,
        publicKey: ask.publicKey,
        fingerprint,
        dataCenter,
      },
      ...{ nodes: ask.nodes, askedAtMs: clock.nowMs(), secret: secret.toString('hex') },
      ...{ state: 'waiting', computerId: null },
    };
    await this.#keep([...this.#requests, request], this.#blocked);
    return request;
  }

  /** Throws `unauthorized` for whoever did not make it. */
  look(id: string, proved: Proved): KeptRequest {
    this.#forgetOld();
    const request = this.#requests.find((one) => one.id === id);
    if (request === undefined || !isProved(Buffer.from(request.secret, 'hex'), proved)) {
      throw new CoterieError(
        'unauthorized',
        'This request is not known here any more. Ask anew, with a new code.',
      );
    }
    return request;
  }

  /** The computer with this key was let in, and has come: what it was given is not given again. */
  async arrived(fingerprint: string): Promise<void> {
    const isDone = (one: KeptRequest) => one.state === 'approved' && one.fingerprint === fingerprint;
    if (!this.#requests.some(isDone)) return;
    await this.#keep(
      this.#requests.filter((one) => !isDone(one)),
      this.#blocked,
    );
  }

  /** Throws `not-found`. */
  waitingRequest(id: string): KeptRequest {
    const found = this.#requests.find((one) => one.id.startsWith(id) && one.state === 'waiting');
    if (found === undefined) {
      throw new CoterieError(
        'not-found',
        'No computer waits with that request. See who waits: coterie requests.',
      );
    }
    return found;
  }

  async approved(id: string, computerId: string): Promise<void> {
    await this.#keep(
      this.#requests.map((one) => (one.id === id ? { ...one, state: 'approved' as const, computerId } : one)),
      this.#blocked,
    );
  }

  async refused(id: string, block: boolean): Promise<void> {
    const { fingerprint } = this.waitingRequest(id);
    await this.#keep(
      this.#requests.map((one) => (one.id === id ? { ...one, state: 'refused' as const } : one)),
      block ? [...this.#blocked, fingerprint].slice(-blockedMax) : this.#blocked,
    );
  }

  #forgetOld(): void {
    const oldestMs = this.#parts.clock.nowMs() - keptMs;
    this.#requests = this.#requests.filter(({ askedAtMs }) => askedAtMs > oldestMs).slice(-4 * openMax);
  }

  async #keep(requests: readonly KeptRequest[], blocked: readonly string[]): Promise<void> {
    // At once, and written in order: others may come while this one is written.
    this.#requests = requests;
    this.#blocked = blocked;
    const bytes = Buffer.from(`${JSON.stringify({ requests, blocked })}\n`);
    await this.#turns.run(() => this.#parts.files.replaceFile(file, bytes));
    this.#parts.changed();
  }
}
