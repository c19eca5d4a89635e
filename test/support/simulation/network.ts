/**
 * PeerNetwork in virtual time, with faults: frames are lost, delayed (and so reordered) and repeated; nodes crash; groups
 * are cut off from each other. A cut is noticed by the nodes only after a while, as by a real failure detector.
 */
import type { PeerNetwork } from '../../../core/ports/peer-network.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { type LatencyModel, latencyOf } from './latency.ts';

export interface NetworkFaults {
  lossShare: number;
  repeatShare: number;
  delayMinMs: number;
  delayMaxMs: number;
  /** Instead of a uniform delay. */
  latency?: LatencyModel;
  /** Added on the way between two data centers. */
  farMs?: number;
  /** A crash or a cut is noticed after this long. */
  noticeMs: number;
}

interface Endpoint {
  onFrame: (from: number, frame: Buffer) => void;
  onChange: ((peer: number, up: boolean) => void)[];
  /** Peers that this node believes to be reachable. */
  readonly up: Set<number>;
}

export class SimulatedNetwork {
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly faults: NetworkFaults;
  readonly #endpoints = new Map<number, Endpoint>();
  /** Directions in which no frame arrives, as `from-to`. */
  readonly #cuts = new Set<string>();
  /** Processes that stand still, with the frames that wait for them. */
  readonly #paused = new Map<number, { from: number; frame: Buffer }[]>();
  readonly transcript: (line: string) => void;
  readonly #isFar: (left: number, right: number) => boolean;

  constructor(
    components: {
      time: VirtualTime;
      random: SeededRandom;
      transcript: (line: string) => void;
      isFar?: (left: number, right: number) => boolean;
    },
    faults: NetworkFaults,
  ) {
    this.#isFar = components.isFar ?? (() => false);
    this.#time = components.time;
    this.#random = components.random;
    this.transcript = components.transcript;
    this.faults = faults;
  }

  attach(id: number): PeerNetwork {
    const endpoint: Endpoint = { onFrame: () => {}, onChange: [], up: new Set() };
    this.#endpoints.set(id, endpoint);
    for (const other of this.#endpoints.keys()) if (other !== id) this.#noticeSoon(id, other);
    // A process that has ended speaks to nobody, though another runs under its name.
    const isUp = (peer: number) => this.#endpoints.get(id) === endpoint && endpoint.up.has(peer);
    return {
      send: (to, frame) => isUp(to) && this.#send(id, to, frame),
      isUp,
      onFrame: (handler) => {
        endpoint.onFrame = handler;
      },
      onChange: (handler) => {
        endpoint.onChange.push(handler);
      },
    };
  }

  /** The process is gone: frames to it vanish, and the others notice. */
  detach(id: number): void {
    this.#endpoints.delete(id);
    this.#paused.delete(id);
    for (const other of this.#endpoints.keys()) this.#noticeSoon(id, other);
  }

  cut(left: number, right: number): void {
    this.#cuts.add(`${left}-${right}`);
    this.#cuts.add(`${right}-${left}`);
    this.#noticeSoon(left, right);
  }

  /** Frames from one to the other are lost; those back arrive. */
  cutOneWay(from: number, to: number): void {
    this.#cuts.add(`${from}-${to}`);
    this.#noticeSoon(from, to);
  }

  heal(): void {
    const cuts = [...this.#cuts];
    this.#cuts.clear();
    for (const cut of cuts) {
      const [left, right] = cut.split('-').map(Number);
      this.#noticeSoon(left, right);
    }
  }

  /** The process stands still: frames to it wait, and its silence is noticed. */
  pause(id: number): void {
    this.#paused.set(id, []);
    for (const other of this.#endpoints.keys()) if (other !== id) this.#noticeSoon(id, other);
  }

  resume(id: number): void {
    const waiting = this.#paused.get(id) ?? [];
    this.#paused.delete(id);
    for (const { from, frame } of waiting) this.#endpoints.get(id)?.onFrame(from, frame);
    for (const other of this.#endpoints.keys()) if (other !== id) this.#noticeSoon(id, other);
  }

  #reachable(from: number, to: number): boolean {
    return this.#endpoints.has(from) && this.#endpoints.has(to) && !this.#cuts.has(`${from}-${to}`);
  }

  /** A node believes in a peer while it hears from it. */
  #noticeSoon(left: number, right: number): void {
    this.#time.after(this.#random.next() * this.faults.noticeMs, () => {
      this.#notice(left, right, this.#reachable(right, left) && !this.#paused.has(right));
      this.#notice(right, left, this.#reachable(left, right) && !this.#paused.has(left));
    });
  }

  #notice(id: number, peer: number, up: boolean): void {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined || endpoint.up.has(peer) === up) return;
    if (up) endpoint.up.add(peer);
    else endpoint.up.delete(peer);
    for (const handler of endpoint.onChange) handler(peer, up);
  }

  #send(from: number, to: number, frame: Buffer): boolean {
    const { lossShare, repeatShare } = this.faults;
    const copies = this.#random.chance(lossShare) ? 0 : this.#random.chance(repeatShare) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const { delayMinMs, delayMaxMs, latency = 'uniform', farMs = 0 } = this.faults;
      const nearMs =
        latency === 'uniform'
          ? delayMinMs + this.#random.next() * (delayMaxMs - delayMinMs)
          : latencyOf(latency, frame, this.#random);
      const delayMs = nearMs + (this.#isFar(from, to) ? farMs : 0);
      const bytes = Buffer.from(frame);
      this.#time.after(delayMs, () => {
        // Looked at on arrival: frames that were on their way when the link was cut are lost.
        if (!this.#reachable(from, to)) return;
        const waiting = this.#paused.get(to);
        if (waiting === undefined) this.#endpoints.get(to)!.onFrame(from, bytes);
        else waiting.push({ from, frame: bytes });
      });
    }
    return true;
  }
}
