/**
 * Changes of the cluster's nodes on their way: staged by people, previewed, applied as one layout, taken back. What is staged and
 * what was applied is kept in a file, so that a restart forgets neither; ids of new nodes are drawn when they are staged, so that
 * what is applied is what was shown.
 */

import { CoterieError } from '../../base/errors.ts';
import { Latest } from '../../base/latest.ts';
import { listOf } from '../../base/words.ts';
import type { LayoutChange, LayoutEntry, LayoutPreview, LayoutView } from '../../contract/layout-views.ts';
import { roleNames } from '../../contract/roles.ts';
import { addNodes, computerNamed, nodeNamed, takenBack } from '../../layout/changes.ts';
import { nodesOf } from '../../layout/history.ts';
import type { Layout, LayoutComputer, LayoutNode } from '../../layout/layout.ts';
import { placesOf } from '../../layout/places.ts';
import { type LayoutPlan, movesBetween, planOf, survivalChanges } from '../../layout/plan.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Random } from '../../ports/random.ts';
import type { NodeHandle } from '../nodes/node-handle.ts';
import type { LayoutService } from './layout-service.ts';
import { digestOf } from './layout-store.ts';
import { lossesOf } from './losses-of-change.ts';
import { drawNodes, fold, inWords, type Staged } from './staged-change.ts';
import { type Applied, type KeptStaging, lastToTakeBack, readStaged, writeStaged } from './staging-file.ts';
import { Transfers } from './transfers.ts';
import { waitedFor, waitingInWords } from './waiting-words.ts';

const entriesMax = 20;
const changesMax = 64;

interface Components {
  readonly layouts: LayoutService;
  readonly nodes: () => Iterable<NodeHandle>;
  readonly ownComputers: ReadonlySet<string>;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** Ids of computers that this host plays from now on. */
  readonly addComputers: (ids: readonly string[]) => Promise<void>;
}

export class Staging {
  readonly #parts: Components;
  #staged: readonly Staged[];
  #applied: readonly Applied[];
  readonly #transfers: Transfers;
  readonly #moves = new Latest<ReturnType<typeof movesBetween>>();
  readonly #folds = new Latest<Layout>();

  private constructor(parts: Components, kept: KeptStaging) {
    this.#parts = parts;
    this.#staged = kept.staged;
    this.#applied = kept.applied;
    this.#transfers = new Transfers(parts.clock, parts.nodes, () => parts.layouts.present);
  }

  static async open(parts: Components): Promise<Staging> {
    return new Staging(parts, await readStaged(parts.disk));
  }

  /** All of the changes, or, with the reason, none. */
  async stage(changes: readonly LayoutChange[]): Promise<LayoutPreview> {
    const staged = [...this.#staged];
    if (staged.length + changes.length > changesMax) {
      throw new CoterieError('too-large', `At most ${changesMax} changes are staged. Apply them first.`);
    }
    for (const change of changes) staged.push(this.#draw(change, this.#after(staged)));
    this.#after(staged);
    await this.#keep(staged, this.#applied);
    return this.preview();
  }

  /** Whether what is staged is to be applied without anybody saying so: new nodes and nothing else, and nothing against it. */
  get goesByItself(): boolean {
    const staged = this.#staged;
    const { present } = this.#parts.layouts;
    const onlyJoins = staged.every(({ change }) => change.kind === 'add-nodes');
    if (!present.joinsByItself || staged.length === 0 || !onlyJoins) return false;
    return this.#planOf(present, this.#after(staged)).blocked.length === 0;
  }

  unstage(): Promise<void> {
    return this.#keep([], this.#applied);
  }

  preview(): LayoutPreview {
    const { present } = this.#parts.layouts;
    const after = this.#after(this.#staged);
    const { nodes, blocked, ...moves } = this.#planOf(present, after);
    return {
      changes: this.#staged.map(inWords),
      moves,
      nodes: [...nodes],
      underWay: this.#moving().map(({ gained: _, ...moves }) => moves),
      durationMs: this.#transfers.durationOf(moves.bytes),
      survival: survivalChanges(present, after),
      losses: lossesOf(present, after),
      blocked: [...blocked],
    };
  }

  /** From the oldest layout that still counts to the newest, reckoned once for both. */
  #moving(): ReturnType<typeof movesBetween> {
    const live = this.#parts.layouts.live.map(({ layout }) => layout);
    const [before, after] = [live[0], live[live.length - 1]];
    return this.#moves.of([before, after], () => movesBetween(before, after));
  }

  /** `by`: from where, in words. */
  async apply(by: string): Promise<Applied> {
    const staged = this.#staged;
    if (staged.length === 0) {
      throw new CoterieError('bad-input', 'Nothing is staged. Stage a change: coterie node add.');
    }
    const { present } = this.#parts.layouts;
    const { blocked } = this.#planOf(present, this.#after(staged));
    if (blocked.length > 0)
      throw new CoterieError('conflict', `This cannot be applied. ${blocked.join(' ')}`);
    await this.#parts.addComputers(staged.flatMap(({ computers }) => computers.map(({ id }) => id)));
    await this.#change((layout, digest) => this.#fold(layout, digest, staged), []);
    return this.#note(present, staged.map(inWords), by);
  }

  /**
   * Lets a computer in, with so many nodes: at once, or staged for a person to apply; then it is in without any. What else is staged
   * stays so. `by`: from where, in words.
   */
  async admit(
    computer: LayoutComputer,
    { count, apply, by }: { count: number; apply: boolean; by: string },
  ): Promise<Applied | null> {
    const { present } = this.#parts.layouts;
    const change: LayoutChange = { kind: 'add-nodes', count, dataCenter: computer.dataCenter, weight: 1 };
    const nodes = this.#drawNodes(count, computer.id, this.#after(this.#staged));
    const as = computer.role === undefined ? '' : ` as ${roleNames[computer.role]}`;
    const what = `${computer.name} joins${as} with ${listOf(nodes.map(({ name }) => name))}`;
    if (!apply) {
      await this.#change((layout, digest) => addNodes(layout, digest, [], [computer]), this.#staged);
      await this.#keep([...this.#staged, { change, nodes, computers: [] }], this.#applied);
      return null;
    }
    const staged = { change, nodes, computers: [computer] };
    await this.#change((layout, digest) => fold(layout, digest, [staged]), this.#staged);
    return this.#note(present, [what], by);
  }

  async #note(before: Layout | null, changes: string[], by: string): Promise<Applied> {
    const { layouts, clock } = this.#parts;
    const { version, computers } = layouts.present;
    const left = before?.computers.filter(({ id }) => computers.every((one) => one.id !== id)) ?? [];
    const entry = { version, atMs: clock.nowMs(), by, changes, before, out: left.map(({ id }) => id) };
    await this.#keep(this.#staged, [...this.#applied, entry].slice(-entriesMax));
    return entry;
  }

  /** A change of something else than nodes that everybody is told of in the same way. It is not one to take back. */
  async decide(edit: (layout: Layout, digest: string) => Layout, what: string, by: string): Promise<void> {
    await this.#parts.layouts.change(edit);
    await this.#note(null, [what], by);
  }

  /** The nodes, arcs and data centers of before the last change. Keyspaces stay as they are now. */
  async revert(): Promise<{ version: number }> {
    const { layouts } = this.#parts;
    const live = layouts.live.map(({ layout }) => layout);
    const last = lastToTakeBack(this.#applied, live);
    await this.#change((layout, digest) => takenBack(layout, digest, last.before), this.#staged);
    await this.#keep(
      this.#staged,
      this.#applied.filter((entry) => entry !== last),
    );
    return { version: layouts.present.version };
  }

  /** Nothing moves any more. */
  settled(): void {
    this.#transfers.end();
  }

  history(): LayoutEntry[] {
    return this.#applied
      .map(({ before, out: _, ...entry }) => ({ ...entry, ofNodes: before !== null }))
      .reverse();
  }

  view(nameOf: (nodeId: number) => string): LayoutView {
    const { layouts, nodes, clock } = this.#parts;
    const { state, waitingFor } = layouts.progress();
    return {
      version: layouts.present.version,
      state,
      staged: this.#staged.length,
      changes: this.#staged.map(inWords),
      progress: this.#transfers.progress(this.#moving()),
      waitsFor: waitingInWords(waitedFor(waitingFor, nameOf, nodes(), clock.nowMs())),
      joinsByItself: layouts.present.joinsByItself ?? false,
      transfer: layouts.present.transfer ?? 'normal',
    };
  }

  async #change(
    edit: (layout: Layout, digest: string) => Layout,
    stagedAfter: readonly Staged[],
  ): Promise<void> {
    const staged = this.#staged;
    this.#transfers.begin();
    // Whoever hears of the new layout must not hold what made it against it.
    this.#staged = stagedAfter;
    try {
      await this.#parts.layouts.change(edit);
    } catch (cause) {
      this.#staged = staged;
      throw cause;
    }
    // What moves nothing is over at once.
    if (this.#parts.layouts.live.length === 1) this.settled();
    else this.#transfers.progress(this.#moving());
  }

  async #keep(staged: readonly Staged[], applied: readonly Applied[]): Promise<void> {
    await writeStaged(this.#parts.disk, { staged, applied });
    this.#staged = staged;
    this.#applied = applied;
  }

  #after(staged: readonly Staged[]): Layout {
    const { present } = this.#parts.layouts;
    return staged.length === 0 ? present : this.#fold(present, digestOf(present), staged);
  }

  /** Who stages a change sees its plan and applies it: the ring is divided anew once for all of that. */
  #fold(layout: Layout, digest: string, staged: readonly Staged[]): Layout {
    return this.#folds.of([digest, staged], () => fold(layout, digest, staged));
  }

  /** By what nodes say they hold now, as it goes over the wire: not compressed. One that is away says nothing: its copies are not counted. */
  #planOf(before: Layout, after: Layout): LayoutPlan {
    const telling = new Set<number>();
    let held = 0;
    for (const node of this.#parts.nodes()) {
      const { figures } = node.status();
      if (figures === null) continue;
      telling.add(node.node.id);
      const { diskBytes, coldDiskBytes, coldRawBytes, deadBytes } = figures;
      held += Math.max(0, diskBytes - coldDiskBytes + coldRawBytes - deadBytes);
    }
    const copies = before.keyspaces
      .flatMap((keyspace) => placesOf(before, keyspace))
      .reduce((sum, places) => sum + places.filter(({ nodeId }) => telling.has(nodeId)).length, 0);
    const size = copies === 0 ? 0 : held / copies;
    return planOf(before, after, () => size);
  }

  #draw(change: LayoutChange, layout: Layout): Staged {
    const isNew = change.kind === 'add-nodes' || change.kind === 'replace-node';
    if (!isNew) return { change, nodes: [], computers: [] };
    const { ownComputers, random } = this.#parts;
    if (change.kind === 'add-nodes' && change.computer !== undefined) {
      const { id, dataCenter } = computerNamed(layout, change.computer);
      const nodes = this.#drawNodes(change.count, id, layout);
      return { change: { ...change, dataCenter }, nodes, computers: [] };
    }
    const own = layout.computers.filter(({ id }) => ownComputers.has(id));
    const dataCenter =
      change.kind === 'replace-node'
        ? nodeNamed(layout, change.node).dataCenter
        : (change.dataCenter ?? own[0]?.dataCenter ?? layout.dataCenters[0]);
    const computers: LayoutComputer[] = [];
    let computer = [...own, ...this.#drawnComputers(layout)].find((one) => one.dataCenter === dataCenter);
    if (computer === undefined) {
      const name = `${own[0]?.name.replace(/ \(.*\)$/, '') ?? 'this computer'} (${dataCenter})`;
      const key = own[0]?.key;
      const facts = { id: Buffer.from(random.bytes(16)).toString('hex'), name, dataCenter };
      computer = key === undefined ? facts : { ...facts, key };
      computers.push(computer);
    }
    const count = change.kind === 'add-nodes' ? change.count : 1;
    return { change, nodes: this.#drawNodes(count, computer.id, layout), computers };
  }

  /** `layout`: with what is staged. */
  #drawNodes(count: number, computer: string, layout: Layout): Staged['nodes'] {
    return drawNodes([...layout.nodes, ...this.#everyNode()], this.#parts.random, { count, computer });
  }

  /** Of every live layout, and those that still run here. */
  #everyNode(): LayoutNode[] {
    const live = nodesOf(this.#parts.layouts.live.map(({ layout }) => layout));
    return [...live.values(), ...[...this.#parts.nodes()].map(({ node }) => node)];
  }

  /** Computers that an earlier staged change adds: they are this host's as well. */
  #drawnComputers(layout: Layout): LayoutComputer[] {
    const drawn = new Set(this.#staged.flatMap(({ computers }) => computers.map(({ id }) => id)));
    return layout.computers.filter(({ id }) => drawn.has(id));
  }
}
