/** A network with computers and visitors for one file of tests, and its end. */
import { Computer, joinAt, settled } from './computer.ts';
import { Lan } from './lan.ts';
import { Visitor, VisitorProgram } from './visitor.ts';

export class Surroundings {
  readonly lan: Lan;
  readonly computers: Computer[] = [];
  readonly #visitors = new VisitorProgram();

  private constructor(count: number) {
    this.lan = new Lan(count);
  }

  /** `computers` with the product's folder, and `others` for those who are not of the cluster, with the next numbers. */
  static async open(computers: number, others = 0): Promise<Surroundings> {
    const made = new Surroundings(computers + others);
    await made.#visitors.build();
    for (let number = 1; number <= computers; number++) {
      made.computers.push(new Computer(made.lan, number, made.#visitors));
    }
    return made;
  }

  visitorAt(number: number): Visitor {
    return new Visitor(this.lan, number, this.#visitors);
  }

  /** The first computer makes a cluster of one node, the others wait for one. */
  async startFresh(): Promise<void> {
    await Promise.all(
      this.computers.map((computer, index) =>
        computer.start(...(index === 0 ? ['--nodes', '1'] : ['--no-cluster'])),
      ),
    );
  }

  /** One cluster of all computers, with a node each. */
  async formCluster(): Promise<void> {
    await this.startFresh();
    const [first, ...others] = this.computers;
    for (const newcomer of others) await joinAt(first, newcomer);
    await settled(this.computers, 60_000);
  }

  async close(): Promise<void> {
    await Promise.all(this.computers.map((computer) => computer.stop().catch(() => {})));
    this.lan.dispose();
    for (const computer of this.computers) computer.removeFolder();
    this.#visitors.dispose();
  }
}
