/**
 * A computer that is in no cluster: it can be found, looks around, makes a cluster, or asks to come into one and waits until a
 * person there lets it in. What it waits for is kept in a file, so that a restart goes on waiting.
 */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CoterieError } from '../../base/errors.ts';
import { plainLine } from '../../base/plain-text.ts';
import { productVersion } from '../../base/version.ts';
import type { ComputerStanding, JoinWish } from '../../contract/computer-views.ts';
import type { Discovery } from '../../discovery/discovery.ts';
import type { Place } from '../../platform/peer-transport.ts';
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import { readIfThere } from '../../ports/read-if-there.ts';
import { newKeyPair } from '../../security/certificates.ts';
import { keyFingerprint } from '../../security/fingerprints.ts';
import { readJoinCode } from '../../security/join-code.ts';
import type { SecretStore } from '../../security/secret-files.ts';
import type { Grant, JoinAnswer } from './join-messages.ts';
import { isAnotherCluster, knock } from './knocking.ts';
import { addressOf, placeIn } from './known-places.ts';
import { isSame } from './other-computer.ts';

const file = 'newcomer.json';
const lookEveryMs = 1_000;

const waitingSchema = z.object({
  request: z.string(),
  cluster: z.string(),
  at: z.string(),
  host: z.string(),
  port: z.number(),
  /** Of the invitation, and of the authority, in hexadecimal. */
  secret: z.string(),
  fingerprint: z.string(),
});
const schema = z.object({
  id: z.string(),
  privateKey: z.string(),
  publicKey: z.string(),
  waiting: waitingSchema.nullable(),
});
type Kept = z.infer<typeof schema>;
type Waiting = z.infer<typeof waitingSchema>;

/** Whether the computer of this folder waited for a cluster when it ended. */
export function isNewcomer(folder: string): boolean {
  return existsSync(join(folder, file));
}

/** It is a member now: should the file stay, its layout says so. */
export async function forgetNewcomer(disk: Disk): Promise<void> {
  await disk.remove(file).catch(() => {});
}

/** The key is made before anything is asked, and stays the computer's own from then on. */
export async function readNewcomer(files: SecretStore): Promise<Kept> {
  const found = (await readIfThere(files, file))?.toString() ?? '';
  try {
    return schema.parse(JSON.parse(found));
  } catch {
    const kept = { id: randomUUID(), ...newKeyPair(), waiting: null };
    await files.replaceFile(file, Buffer.from(`${JSON.stringify(kept)}\n`));
    return kept;
  }
}

export interface NewcomerParts {
  readonly files: SecretStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly name: string;
  /** Where other computers reach this one. */
  readonly at: () => { readonly host: string | null; readonly port: number };
  readonly discovery: Discovery;
  /** It was let in. Rejects where what it was given cannot be kept: it is asked for again. */
  readonly onGrant: (grant: Grant, key: Kept) => Promise<void>;
}

export class Newcomer {
  readonly #parts: NewcomerParts;
  #kept: Kept;
  #state: ComputerStanding['state'];
  #detail: string | null = null;
  #timer: Cancellable | null = null;
  #closed = false;

  constructor(parts: NewcomerParts, kept: Kept) {
    this.#parts = parts;
    this.#kept = kept;
    this.#state = kept.waiting === null ? 'alone' : 'waiting';
    if (kept.waiting !== null) this.#waitFor(kept.waiting);
  }

  get standing(): ComputerStanding {
    return {
      state: this.#state,
      computer: this.#parts.name,
      detail: this.#detail,
      fingerprint: keyFingerprint(this.#kept.publicKey),
      cluster: this.#kept.waiting?.cluster ?? null,
    };
  }

  /** Throws `bad-input` for what is no code, `conflict` while it waits already, and what the cluster answers. */
  async ask({ code: text, address, nodes }: JoinWish): Promise<ComputerStanding> {
    if (this.#state === 'waiting' || this.#state === 'asking' || this.#state === 'joined') {
      throw new CoterieError('conflict', 'This computer asks to come in already. Cancel that first.');
    }
    const code = readJoinCode(text);
    const places = this.#placesFor(code.fingerprint, address === undefined ? code.at : [address]);
    this.#become('asking', null);
    let last: CoterieError | null = null;
    for (const place of places) {
      try {
        const answer = await knock(place, code, {
          kind: 'ask',
          invitation: code.id,
          publicKey: this.#kept.publicKey,
          computer: this.#parts.name,
          nodes,
          ...this.#parts.at(),
          version: productVersion,
        });
        if (answer.state !== 'waiting') throw new CoterieError('unavailable', 'The cluster gave no answer.');
        const waiting = {
          ...{ request: answer.request, cluster: answer.cluster, at: answer.at, ...place },
          ...{ secret: code.secret.toString('hex'), fingerprint: code.fingerprint.toString('hex') },
        };
        await this.#keep(waiting);
        this.#waitFor(waiting);
        return this.standing;
      } catch (cause) {
        last = cause as CoterieError;
        // Only the computer that made the code knows it. That one said that it is wrong: the others need not be asked.
        if (last.code === 'unauthorized' && !isAnotherCluster(last)) break;
      }
    }
    this.#become('alone', null);
    throw (
      last ??
      new CoterieError(
        'not-found',
        'No computer of that cluster is heard on this network. Type the address of one of them (host:port), or check that both are on one network: coterie doctor.',
      )
    );
  }

  async cancel(): Promise<ComputerStanding> {
    this.#timer?.cancel();
    if (this.#state !== 'joined') {
      await this.#keep(null);
      this.#become('alone', null);
    }
    return this.standing;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Given ones before those that are heard. */
  #placesFor(fingerprint: Buffer, given: readonly string[]): Place[] {
    const typed = given.flatMap((one) => {
      const place = placeIn(one);
      if (place !== null) return [place];
      throw new CoterieError(
        'bad-input',
        `"${plainLine(one)}" is no address. It looks like 192.168.1.20:7430.`,
      );
    });
    const begins = fingerprint.toString('hex');
    const heard = this.#parts.discovery
      .found()
      .filter(({ cluster }) => cluster?.authority?.startsWith(begins))
      .map(({ address, port }) => ({ host: address, port }));
    const all = [...typed, ...heard];
    return all.filter((place, index) => all.findIndex((other) => isSame(other, place)) === index);
  }

  #waitFor(waiting: Waiting): void {
    this.#become(
      'waiting',
      `Somebody at ${plainLine(waiting.cluster)} has to let this computer in. It was asked at ${plainLine(waiting.at)}.`,
    );
    this.#lookAfter(waiting, lookEveryMs);
  }

  #lookAfter(waiting: Waiting, delayMs: number): void {
    this.#timer = this.#parts.timers.after(delayMs, () => void this.#look(waiting));
  }

  async #look(waiting: Waiting): Promise<void> {
    const { host, port, request } = waiting;
    let answer: JoinAnswer;
    try {
      const code = {
        secret: Buffer.from(waiting.secret, 'hex'),
        fingerprint: Buffer.from(waiting.fingerprint, 'hex'),
      };
      answer = await knock({ host, port }, code, { kind: 'look', request });
    } catch (cause) {
      const { code, message } = cause as CoterieError;
      // Somebody else has that address now: the one that was asked may come back.
      const isOther = isAnotherCluster(cause as CoterieError);
      if (code === 'unauthorized' && !isOther) await this.#refused(message);
      else {
        this.#detail = `${addressOf(host, port)} does not answer now. It is asked again until it does.`;
        if (!this.#closed) this.#lookAfter(waiting, lookEveryMs);
      }
      return;
    }
    if (this.#closed) return;
    if (answer.state === 'refused') await this.#refused('The request was refused.');
    else if (answer.state === 'approved') await this.#joined(answer.grant, waiting);
    else this.#waitFor(waiting);
  }

  async #joined(grant: Grant, waiting: Waiting): Promise<void> {
    this.#become('joined', null);
    try {
      await this.#parts.onGrant(grant, this.#kept);
    } catch (cause) {
      const { message } = cause as Error;
      this.#parts.log.error('This computer was let in, and cannot take its place yet.', { cause: message });
      this.#become('waiting', message);
      if (!this.#closed) this.#lookAfter(waiting, lookEveryMs);
    }
  }

  async #refused(why: string): Promise<void> {
    await this.#keep(null);
    this.#become('refused', why);
  }

  #become(state: ComputerStanding['state'], detail: string | null): void {
    this.#state = state;
    this.#detail = detail;
  }

  async #keep(waiting: Waiting | null): Promise<void> {
    const kept = { ...this.#kept, waiting };
    await this.#parts.files.replaceFile(file, Buffer.from(`${JSON.stringify(kept)}\n`));
    this.#kept = kept;
  }
}
