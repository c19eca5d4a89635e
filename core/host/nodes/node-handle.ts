/**
 * One node of the layout as the host of a computer sees it: what it is, how it is, and what can be asked of it. A node of
 * this computer is a process that the host supervises (`LocalNode`); one of another computer will be reached by its own host.
 */
import type { Layout, LayoutNode } from '../../layout/layout.ts';
import type { Member } from '../../membership/members.ts';
import type { LossLetGo, RepairFigures, RepairWork, ToNode } from '../../node-process/messages.ts';
import { LayoutDelivery } from '../layouts/layout-delivery.ts';
import type { NodeStatus, NodeSupervisor } from './node-supervisor.ts';

export interface NodeHandle {
  readonly node: LayoutNode;
  status(): NodeStatus;
  /** Its view of the other nodes; empty unless it is up. */
  readonly members: readonly Member[];
  /** The version of the layout that it last said it goes by; 0: none yet. */
  readonly heldVersion: number;
  /** Sends the layout; whether it was taken is told by `heldVersion`. */
  offerLayout(layout: Layout): void;

  start(): void;
  /** Resolves when it has ended. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  kill(): void;
  pause(): void;
  resume(): void;
  repair(work: RepairWork): { result: Promise<RepairFigures>; stop: () => void };
  acceptLoss(): Promise<LossLetGo>;
}

export class LocalNode implements NodeHandle {
  readonly node: LayoutNode;
  readonly #supervisor: NodeSupervisor;
  readonly #delivery = new LayoutDelivery();
  readonly #monotonicMs: () => number;
  #heldVersion = 0;

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

  get heldVersion(): number {
    return this.#heldVersion;
  }

  offerLayout(layout: Layout): void {
    this.#delivery.sent(layout.version, this.#monotonicMs());
    this.#supervisor.send({ type: 'layout', layout });
  }

  /** The node says which version it goes by: it is offered the present one where that is due. */
  holds(version: number, present: Layout): void {
    this.#heldVersion = version;
    if (this.#delivery.isDue(version, present.version, this.#monotonicMs())) this.offerLayout(present);
  }

  send(message: ToNode): void {
    this.#supervisor.send(message);
  }

  start(): void {
    this.#supervisor.start();
  }

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
