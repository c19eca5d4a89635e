/** The workload of values with a time to live: see workloads.ts. */
import { Client } from './client.ts';

interface Promised {
  readonly number: number;
  /** True time, by the simulation's own clock. */
  readonly endsMs: number;
  readonly from: string;
}

export class Expiring extends Client {
  /** The last acknowledged one, and nothing since that might have taken its place. */
  #last: Promised | null = null;
  readonly #endsMs = new Map<number, number>();

  async run(): Promise<void> {
    const { cluster, writes } = this.around;
    for (let number = 1; number <= writes; number++) {
      const forMs = 300 + Math.floor(cluster.random.next() * 2_500);
      const endsMs = cluster.time.nowMs() + forMs;
      this.#endsMs.set(number, endsMs);
      this.#last = null;
      const from = await this.put(String(number), 'held', this.around.key, (nowMs) => nowMs + forMs);
      if (from !== null) this.#last = { number, endsMs, from };
      await this.pause(60);
      for (let look = 0; look < 2; look++) {
        await this.#look();
        await this.pause(800);
      }
    }
  }

  async #look(): Promise<void> {
    const { cluster } = this.around;
    const { layout } = cluster;
    const last = this.#last;
    const beganMs = cluster.time.nowMs();
    const found = await this.read();
    if (found === null || cluster.layout !== layout) return;
    const when = `read at n${found.member.id}`;
    this.#complainOfOld(found.values, when, beganMs);
    const isAlive = last !== null && cluster.time.nowMs() + this.#slackMs < last.endsMs;
    if (!isAlive || !this.mustSee(found.coordinator.dataCenter, last.from)) return;
    if (found.values.some((value) => Number(value) >= last.number)) return;
    cluster.violate(
      `${when}: ${this.around.key} lacks ${last.number}, which lives for ${last.endsMs - cluster.time.nowMs()} ms yet`,
    );
  }

  /** Clocks differ: by the writer's and by the reader's. */
  get #slackMs(): number {
    const skews = this.around.cluster.members.map(({ skewMs }) => Math.abs(skewMs));
    return 2 * Math.max(...skews) + 2;
  }

  /** A write may be made up to a client's patience after it was asked for. */
  #complainOfOld(found: readonly string[], when: string, nowMs: number): void {
    for (const value of found) {
      const endsMs = this.#endsMs.get(Number(value));
      if (endsMs !== undefined && nowMs < endsMs + this.#slackMs + 5_000) continue;
      this.around.cluster.violate(`${when}: ${this.around.key} shows ${value}, whose time is over`);
    }
  }

  check(found: readonly string[], when: string): void {
    this.#complainOfOld(found, when, this.around.cluster.time.nowMs());
  }
}
