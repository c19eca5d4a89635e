/**
 * Three keys that are only ever written as one: a client reads their number and writes the next to all of them. A read in between
 * shows each key's last acknowledged number or a later one; in the end all three show the same.
 */
import type { Mutation } from '../../../core/ports/key-value-store.ts';
import { Client, unpadded } from './client.ts';

const names = ['a', 'b', 'c'];

export class Transactions extends Client {
  #sent = 0;
  /** With the data center of its coordinator. */
  #acknowledged: { number: number; from: string } | null = null;

  get #keys(): string[] {
    return names.map((name) => `{${this.around.key}}${name}`);
  }

  async run(): Promise<void> {
    for (let turn = 0; turn < this.around.writes; turn++) {
      const number = ++this.#sent;
      const from = await this.decideTogether(this.#keys, (): Mutation[] =>
        names.map(() => ({ kind: 'put', value: this.long(String(number)), expiresAtMs: 0 })),
      );
      if (from !== null) this.#acknowledged = { number, from };
      await this.pause(40);
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { cluster } = this.around;
    const promised = this.#acknowledged;
    const { layout } = cluster;
    const found = await this.read(cluster.random.pick(this.#keys));
    if (found === null || promised === null || cluster.layout !== layout) return;
    if (!this.mustSee(found.coordinator.dataCenter, promised.from)) return;
    if (highest(found.values) >= promised.number) return;
    cluster.violate(
      `read at n${found.member.id}: one of ${this.around.key} lacks acknowledged ${promised.number}; it shows [${found.values.join()}]`,
    );
  }

  check(): void {}

  override async checkEverywhere(when: string): Promise<void> {
    const { cluster, key } = this.around;
    for (const member of cluster.members) {
      try {
        const found: number[] = [];
        for (const name of this.#keys) {
          found.push(highest((await cluster.within(cluster.read(member, name), 5_000)).map(unpadded)));
        }
        const words = `${when}, n${member.id} shows ${found.join(', ')} for the keys of ${key}`;
        if (new Set(found).size > 1) cluster.violate(`${words}, which were written as one`);
        const { number } = this.#acknowledged ?? { number: 0 };
        if (Math.min(...found) < number) cluster.violate(`${words}, and ${number} was acknowledged`);
        if (Math.max(...found) > this.#sent) cluster.violate(`${words}, and nobody wrote that`);
      } catch (error) {
        cluster.violate(`${when}, n${member.id} cannot read ${key}: ${(error as Error).message}`);
      }
    }
  }
}

/** 0: nothing. Not the newest: one that a client has given up may be made later than the next, elsewhere, and stand beside it. */
function highest(values: readonly string[]): number {
  return Math.max(0, ...values.map(Number));
}
