/**
 * A set whose elements are keys of their own: three clients add elements, and take some of them out again. In the end each one
 * that was added and not taken out is there, and none that was taken out (Garage's Jepsen case set2).
 */
import { Client } from './client.ts';

/** Of the elements that a client has added. */
const removedShare = 0.3;

export class Elements extends Client {
  readonly #added = new Set<string>();
  /** Asked for, whatever was answered: such an element may be there or not. */
  readonly #maybeRemoved = new Set<string>();
  readonly #removed = new Set<string>();

  async run(): Promise<void> {
    await Promise.all([0, 1, 2].map((client) => this.#client(client)));
  }

  async #client(client: number): Promise<void> {
    const { cluster, key, writes } = this.around;
    for (let turn = 0; turn < writes / 3; turn++) {
      const name = `${key}.${client}.${turn}`;
      if ((await this.put('there', 'held', name)) !== null) {
        this.#added.add(name);
        await this.pause(40);
        if (cluster.random.chance(removedShare)) await this.#remove(name);
      }
      await this.pause(40);
    }
  }

  async #remove(name: string): Promise<void> {
    this.#maybeRemoved.add(name);
    if ((await this.decide(name, () => ({ kind: 'delete' }))) !== null) this.#removed.add(name);
  }

  check(): void {}

  override async checkEverywhere(when: string): Promise<void> {
    const { cluster } = this.around;
    for (const member of cluster.members) {
      for (const name of this.#added) {
        try {
          const found = await cluster.within(cluster.read(member, name), 5_000);
          const isThere = found.length > 0;
          if (isThere && this.#removed.has(name)) {
            cluster.violate(`${when}, n${member.id} shows ${name}, which was taken out`);
          }
          if (!isThere && !this.#maybeRemoved.has(name))
            cluster.violate(`${when}, n${member.id} lacks ${name}`);
        } catch (error) {
          cluster.violate(`${when}, n${member.id} cannot read ${name}: ${(error as Error).message}`);
        }
      }
    }
  }
}
