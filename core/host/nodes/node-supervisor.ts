/**
 * Keeps one node process running: start, restart with backoff after a crash, and what a person asks for (stop, kill,
 * pause, resume). It knows processes and states, nothing of data.
 */

import { CoterieError } from '../../base/errors.ts';
import type { NodeFigures, NodeState } from '../../contract/node-views.ts';
import type { LiveLayout } from '../../layout/history.ts';
import type { Member } from '../../membership/members.ts';
import type { TimedEvent } from '../../node/membership-driver.ts';
import type { PossibleLoss } from '../../node/possible-losses.ts';
import type {
  FromNode,
  LayoutReport,
  LossLetGo,
  NodeLauncher,
  NodeProcess,
  NodeStart,
  RepairFigures,
  RepairWork,
  ToNode,
} from '../../node-process/messages.ts';
import { figuresBy } from '../../node-process/operation-news.ts';
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';
import { Until } from '../until.ts';
import { NodeTasks } from './node-tasks.ts';
import { PausedProcess } from './paused-process.ts';
import { isLasting, restartAfter } from './restart-policy.ts';

export interface NodeStatus {
  readonly state: NodeState;
  readonly sinceMs: number;
  readonly pid: number | null;
  readonly clientPort: number | null;
  readonly peerPort: number | null;
  /** For clients on other computers; null: they cannot connect. */
  readonly networkPort: number | null;
  readonly restartCount: number;
  readonly restartAtMs: number | null;
  readonly problem: string | null;
  readonly lastLogLines: readonly string[];
  readonly figures: NodeFigures | null;
  readonly peersDown: readonly string[];
}

export interface SupervisorEvents {
  /** The status changed; figures alone included. */
  changed(): void;
  /** Something for the activity log. */
  noted(severity: 'info' | 'warning' | 'error', message: string): void;
  /** The node takes clients. */
  ready(): void;
  /** The node takes connections at these ports now. */
  listening(ports: { peerPort: number; clientPort: number; networkPort: number }): void;
  /** The node says which layouts it goes by. */
  holdsLayout(report: LayoutReport): void;
  /** The node goes by these layouts, which the host has asked for. */
  layouts(live: readonly LiveLayout[]): void;
  /** The node says all that may be lost for good as far as it knows. */
  losses(losses: readonly PossibleLoss[]): void;
  /** The node's view of the others changed. */
  membership(events: readonly TimedEvent[]): void;
  /** A user who logged in at the node asks for a change of users. */
  userAsk(ask: Extract<FromNode, { type: 'user-ask' }>): void;
}

/** A node that stayed up this long starts again with the shortest wait. */
const steadyAfterMs = 5_000;
const drainWithinMs = 10_000;
const logLineCountMax = 50;

export class NodeSupervisor {
  readonly name: string;
  readonly #launcher: NodeLauncher;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #startMessage: () => NodeStart;
  readonly #events: SupervisorEvents;
  #process: NodeProcess | null = null;
  /** A process of this node that went on without its host: the first start takes it. */
  #found: NodeProcess | null;
  #state: NodeState = 'stopped';
  readonly #begun: Until;
  #sinceMs: number;
  #ports: { peerPort: number; clientPort: number; networkPort: number } | null = null;
  #restartCount = 0;
  /** Starts in a row that came to nothing. */
  #failures = 0;
  /** Why the present process said that it cannot start; null while it has not. */
  #refusal: { code: string; message: string } | null = null;
  /** The present process took clients. */
  #wasReady = false;
  /** What was last said of a node that cannot start: it is not said again at each attempt. */
  #saidFailure: string | null = null;
  #restart: { timer: Cancellable; atMs: number } | null = null;
  #problem: string | null = null;
  #wanted = false;
  #paused: PausedProcess | null = null;
  #figures: NodeFigures | null = null;
  #peersDown: readonly string[] = [];
  /** Its view of the other nodes; empty while it does not run. */
  #members: readonly Member[] = [];
  readonly #logLines: string[] = [];
  #exited: Promise<void> = Promise.resolve();
  /** What the present process has been asked. */
  readonly #tasks = new NodeTasks();

  constructor(
    components: { launcher: NodeLauncher; clock: Clock; timers: Timers; events: SupervisorEvents },
    settings: { name: string; startMessage: () => NodeStart; found?: NodeProcess | null },
  ) {
    this.name = settings.name;
    this.#launcher = components.launcher;
    this.#clock = components.clock;
    this.#timers = components.timers;
    this.#begun = new Until(components.timers);
    this.#events = components.events;
    this.#startMessage = settings.startMessage;
    this.#found = settings.found ?? null;
    this.#sinceMs = components.clock.nowMs();
  }

  status(): NodeStatus {
    const running = this.#process !== null;
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      pid: this.#process?.pid ?? null,
      clientPort: this.#ports?.clientPort ?? null,
      peerPort: this.#ports?.peerPort ?? null,
      networkPort: this.#ports?.networkPort || null,
      restartCount: this.#restartCount,
      restartAtMs: this.#restart?.atMs ?? null,
      problem: this.#problem,
      lastLogLines: this.#logLines,
      figures: running ? this.#figures : null,
      peersDown: this.#peersDown,
    };
  }

  /** What this node holds of the others; nothing unless it runs, for a view that stands still is none. */
  get members(): readonly Member[] {
    return this.#state === 'up' ? this.#members : [];
  }

  /** Ports that the node used last: asked for again at a restart, so that clients find it where it was. */
  get ports(): { peerPort: number; clientPort: number; networkPort: number } | null {
    return this.#ports;
  }

  start(): void {
    this.#wanted = true;
    this.#failures = 0;
    this.#saidFailure = null;
    this.#restart?.timer.cancel();
    this.#restart = null;
    if (this.#process === null) this.#launch();
  }

  /** Resolves when it is starting no longer; at the latest after `withinMs`. */
  begun(withinMs: number): Promise<void> {
    return this.#begun.is(() => this.#state !== 'starting', withinMs);
  }

  /** Resolves when the process has ended: by itself after draining, or by force when that takes too long. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.#restart?.timer.cancel();
    this.#restart = null;
    const running = this.#process;
    if (running === null) {
      this.#problem = null;
      this.#become('stopped');
      return;
    }
    this.#goOn();
    this.#become('draining');
    running.send({ type: 'drain' });
    const force = this.#timers.after(drainWithinMs, () => running.kill());
    await this.#exited;
    force.cancel();
  }

  async restart(): Promise<void> {
    await this.stop();
    this.start();
  }

  /** A crash on purpose; the node is restarted as after any other. */
  kill(): void {
    this.#running().kill();
  }

  pause(): void {
    const { pid } = this.#running();
    if (this.#state !== 'up') throw new CoterieError('conflict', `${this.name} is ${this.#state}, not up.`);
    this.#paused = PausedProcess.pause(pid);
    this.#become('paused');
  }

  resume(): void {
    if (this.#state !== 'paused') throw new CoterieError('conflict', `${this.name} is not paused.`);
    this.#goOn();
    this.#become('up');
  }

  send(message: ToNode): void {
    this.#process?.send(message);
  }

  /** Compares and repairs some partitions on this node. Rejects when the node ends or cannot. */
  repair(work: RepairWork): { result: Promise<RepairFigures>; stop: () => void } {
    const { task, result } = this.#tasks.open<RepairFigures>();
    const running = this.#process;
    if (running === null) {
      this.#tasks.failed(task, new CoterieError('unavailable', `${this.name} is not running.`));
    } else running.send({ type: 'repair', task, ...work });
    return { result, stop: () => this.#process?.send({ type: 'repair-stop', task }) };
  }

  /** A person accepts what may be lost at this node. Rejects where the node still gets it back. */
  acceptLoss(): Promise<LossLetGo> {
    const running = this.#running();
    if (this.#state !== 'up') throw new CoterieError('conflict', `${this.name} is ${this.#state}, not up.`);
    const { task, result } = this.#tasks.open<LossLetGo>();
    running.send({ type: 'accept-loss', task });
    return result;
  }

  #running(): NodeProcess {
    if (this.#process === null) {
      throw new CoterieError('conflict', `${this.name} is not running. Start it first.`);
    }
    return this.#process;
  }

  #goOn(): void {
    const paused = this.#paused;
    this.#paused = null;
    paused?.resume();
  }

  #become(state: NodeState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#sinceMs = this.#clock.nowMs();
    this.#begun.look();
    this.#events.changed();
  }

  #launch(): void {
    this.#refusal = null;
    this.#wasReady = false;
    this.#figures = null;
    this.#peersDown = [];
    this.#members = [];
    const found = this.#found;
    this.#found = null;
    const launched = found ?? this.#launcher.launch(this.name);
    this.#process = launched;
    const startedMs = this.#clock.monotonicMs();
    this.#become('starting');
    this.#exited = new Promise((resolve) => {
      launched.onExit((cause) => {
        this.#process = null;
        this.#ended(cause, this.#clock.monotonicMs() - startedMs);
        resolve();
      });
    });
    launched.onMessage((message) => {
      if (this.#process === launched) this.#received(message);
    });
    if (found === null) launched.send(this.#startMessage());
  }

  #received(message: FromNode): void {
    switch (message.type) {
      case 'running':
        this.#events.noted('info', `${this.name} went on while Coterie was away, and is managed again.`);
        break;
      case 'listening': {
        const { peerPort, clientPort, networkPort } = message;
        this.#ports = { peerPort, clientPort, networkPort };
        this.#events.listening(this.#ports);
        break;
      }
      case 'ready':
        this.#wasReady = true;
        this.#problem = null;
        this.#saidFailure = null;
        this.#events.ready();
        this.#become('up');
        this.#events.noted('info', `${this.name} takes clients.`);
        break;
      case 'layout':
        this.#events.holdsLayout(message.report);
        break;
      case 'layouts':
        this.#events.layouts(message.live);
        break;
      case 'peers':
        this.#peersDown = message.down;
        this.#events.changed();
        break;
      case 'membership':
        this.#members = message.members;
        this.#events.membership(message.events);
        break;
      case 'user-ask':
        this.#events.userAsk(message);
        break;
      case 'figures':
        this.#figures = figuresBy(this.#figures, message);
        this.#events.changed();
        break;
      case 'noted':
        this.#events.noted(message.severity, message.message);
        break;
      case 'repaired':
        if (message.figures !== null) this.#tasks.answered(message.task, message.figures);
        else this.#tasks.failed(message.task, new CoterieError('unavailable', message.reason));
        break;
      case 'losses':
        this.#events.losses(message.losses);
        break;
      case 'loss-accepted':
        if (message.accepted !== null) this.#tasks.answered(message.task, message.accepted);
        else {
          const cause = new CoterieError(message.code, `${this.name}: ${message.reason}`);
          this.#tasks.failed(message.task, cause);
        }
        break;
      case 'failed':
        this.#refusal = { code: message.code, message: message.message };
        break;
      case 'log':
        this.#logLines.push(message.line);
        if (this.#logLines.length > logLineCountMax) this.#logLines.shift();
        break;
    }
  }

  #ended(cause: string, ranForMs: number): void {
    this.#paused?.forget();
    this.#paused = null;
    this.#tasks.failAll(new CoterieError('unavailable', `${this.name} ended meanwhile.`));
    if (!this.#wanted) {
      this.#problem = null;
      this.#become('stopped');
      this.#events.noted('info', `${this.name} has stopped.`);
      return;
    }
    if (this.#wasReady && ranForMs > steadyAfterMs) this.#failures = 0;
    this.#failures++;
    this.#restartCount++;
    const lasting = this.#refusal !== null && isLasting(this.#refusal.code);
    const { delayMs, failed } = restartAfter(this.#failures, lasting);
    const why = this.#refusal?.message ?? cause;
    this.#problem = why;
    const timer = this.#timers.after(delayMs, () => {
      this.#restart = null;
      if (this.#wanted) this.#launch();
    });
    this.#restart = { timer, atMs: this.#clock.nowMs() + delayMs };
    this.#become(failed ? 'failed' : 'down');
    this.#events.changed();
    this.#sayEnded(why, delayMs, failed);
  }

  #sayEnded(why: string, delayMs: number, failed: boolean): void {
    if (!failed) {
      const seconds = (delayMs / 1000).toFixed(1);
      this.#events.noted('error', `${this.name} ended: ${why} It starts again in ${seconds} s.`);
      return;
    }
    if (this.#saidFailure === why) return;
    this.#saidFailure = why;
    this.#events.noted('error', `${this.name} cannot start: ${why} It is tried again every few minutes.`);
  }
}
