/**
 * One node of the layout as the host of a computer sees it: what it is, how it is, and what can be asked of it. A node of
 * this computer is a process that the host supervises (`LocalNode`); one of another computer is asked through the host there
 * (computers/remote-node.ts).
 */
import { type LiveLayout, newestOf } from '../../layout/history.ts';
import type { LayoutNode } from '../../layout/layout.ts';
import type { Member } from '../../membership/members.ts';
import type {
  LayoutReport,
  LossLetGo,
  RepairFigures,
  RepairWork,
  ToNode,
} from '../../node-process/messages.ts';
import { LayoutDelivery } from '../layouts/layout-delivery.ts';
import type { NodeStatus, NodeSupervisor } from './node-supervisor.ts';

export interface NodeHandle {
  readonly node: LayoutNode;
  status(): NodeStatus;
  /** Its view of the other nodes; empty unless it is up. */
  readonly members: readonly Member[];
  /** What it last said of the layouts that it goes by; null: nothing yet. */
  readonly layouts: Omit<LayoutReport, 'trackers'> | null;
  repair(work: RepairWork): { result: Promise<RepairFigures>; stop: () => void };
}

export class LocalNode implements NodeHandle {
  readonly node: LayoutNode;
  readonly #supervisor: NodeSupervisor;
  readonly #delivery = new LayoutDelivery();
  readonly #monotonicMs: () => number;
  #report: LayoutReport | null = null;

  constructor(node: LayoutNode, supervisor: NodeSupervisor, monotonicMs: () => number) {
    this.node = node;
    this.#supervisor = supervisor;
    this.#monotonicMs = monotonicMs;
  }

  status(): NodeStatus {
    return this.#supervisor.status();
  }

  get members(): readonly Member[] {
    return this.#supervisor.members;
  }

  get layouts(): LayoutReport | null {
    return this.#report;
  }

  /** Sends the layouts that are live; whether they were taken is told by `layouts`. */
  offerLayouts(live: readonly LiveLayout[]): void {
    this.#delivery.sent(newestOf({ live }).layout.version, this.#monotonicMs());
    this.#supervisor.send({ type: 'layout', live });
  }

  /** The node says what it goes by: it is offered what is live where that is due. */
  holds(report: LayoutReport, live: readonly LiveLayout[]): void {
    this.#report = report;
    const wanted = newestOf({ live }).layout.version;
    if (this.#delivery.isDue(report.version, wanted, this.#monotonicMs())) this.offerLayouts(live);
  }

  send(message: ToNode): void {
    this.#supervisor.send(message);
  }

  start(): void {
    this.#supervisor.start();
  }

  /** Resolves when it is up or has failed; at the latest after so long. */
  begin(withinMs: number): Promise<void> {
    this.#supervisor.start();
    return this.#supervisor.begun(withinMs);
  }

  /** Resolves when it has ended. */
  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  restart(): Promise<void> {
    return this.#supervisor.restart();
  }

  kill(): void {
    this.#supervisor.kill();
  }

  pause(): void {
    this.#supervisor.pause();
  }

  resume(): void {
    this.#supervisor.resume();
  }

  repair(work: RepairWork): { result: Promise<RepairFigures>; stop: () => void } {
    return this.#supervisor.repair(work);
  }

  acceptLoss(): Promise<LossLetGo> {
    return this.#supervisor.acceptLoss();
  }
}
