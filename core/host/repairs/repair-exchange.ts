/**
 * Repairs from computer to computer. Each tells the digest of all its records with its news; where digests differ, one asks the other for
 * what is later there than here, and is asked in turn. What cannot be used is left out, and not asked for again until one side changes.
 */
import { z } from 'zod';
import { CoterieError } from '../../base/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import {
  digestOf,
  isLater,
  nameOf,
  recordBytesMax,
  recordIn,
  type SharedRecord,
  stamp,
  stampOf,
} from './shared-records.ts';
import { type Peer, takeOverAfterMs } from './who-runs.ts';

/** Of one answer; the rest comes with the next one. */
const answerBytesMax = 16 * recordBytesMax;
const recordsMax = 1_000;

const question = z.object({ known: z.array(z.object({ name: z.string().max(100), stamp })).max(recordsMax) });
const answer = z.object({ records: z.array(z.unknown()).max(recordsMax) });

interface Components {
  readonly clock: Clock;
  readonly log: Log;
  readonly peers: () => readonly Peer[];
  readonly records: () => readonly SharedRecord[];
  /** Takes a copy where it is later than the one here. */
  readonly learn: (record: SharedRecord) => void;
}

export class RepairExchange {
  readonly #parts: Components;
  readonly #openedMs: number;
  readonly #asking = new Set<string>();
  /** The digests, here and there, with which each was asked last. */
  readonly #asked = new Map<string, string>();
  /** Computers of which all is known that they had when they were asked. */
  readonly #compared = new Set<string>();
  #settled = false;

  constructor(parts: Components) {
    this.#parts = parts;
    this.#openedMs = parts.clock.monotonicMs();
  }

  get digest(): string {
    return digestOf(this.#parts.records());
  }

  /**
   * What happened while this computer was off is known as far as it can be: all others were heard, or enough time has passed. Before,
   * a job that another one has taken over meanwhile, or a run that it has begun, would be done once more.
   */
  get isSettled(): boolean {
    const { clock, peers } = this.#parts;
    this.#settled ||=
      clock.monotonicMs() - this.#openedMs >= takeOverAfterMs ||
      peers().every((peer) => this.#compared.has(peer.key) || (peer.isReached && !peer.takesPart));
    return this.#settled;
  }

  /** Another computer told its digest. `ask`: puts a question to it. */
  async heard(key: string, digest: string, ask: (question: Buffer) => Promise<Buffer>): Promise<void> {
    const own = this.digest;
    if (own === digest) this.#compared.add(key);
    const both = `${own} ${digest}`;
    if (own === digest || this.#asking.has(key) || this.#asked.get(key) === both) return;
    this.#asking.add(key);
    const { log, records, learn } = this.#parts;
    try {
      const known = records().map((record) => ({ name: nameOf(record), stamp: stampOf(record) }));
      const said = await ask(Buffer.from(JSON.stringify({ known })));
      const told = answer.parse(JSON.parse(said.toString())).records;
      let unusable = 0;
      for (const one of told) {
        const record = recordIn(one);
        if (record === null) unusable++;
        else learn(record);
      }
      if (unusable > 0) {
        log.warn('Repairs of another computer cannot be used here. Bring both to one version.', { unusable });
      }
      this.#asked.set(key, both);
      this.#compared.add(key);
    } catch (cause) {
      log.warn('Repairs could not be compared with another computer.', { cause: (cause as Error).message });
    } finally {
      this.#asking.delete(key);
    }
  }

  /** What another computer lacks. Throws `bad-input` for anything that is no question. */
  answer(body: Buffer): { records: SharedRecord[] } {
    const known = new Map(read(body).known.map(({ name, stamp: theirs }) => [name, theirs]));
    const records: SharedRecord[] = [];
    let bytes = 0;
    for (const record of this.#parts.records()) {
      const theirs = known.get(nameOf(record));
      if (theirs !== undefined && !isLater(stampOf(record), theirs)) continue;
      bytes += JSON.stringify(record).length;
      if (bytes > answerBytesMax || records.length >= recordsMax) break;
      records.push(record);
    }
    return { records };
  }
}

function read(body: Buffer): z.infer<typeof question> {
  try {
    return question.parse(JSON.parse(body.toString()));
  } catch {
    throw new CoterieError('bad-input', 'This is no question about repairs.');
  }
}
