/**
 * The interfaces of this computer and one socket on each that is used: opened, closed and opened anew as interfaces come, go
 * and change, with the figures that the doctor reads. What fails on one never touches the others.
 */
import type { Lan, LanFailure, LanOutcome, LanPath, LanSocket } from '../ports/lan.ts';
import { diagnose } from './doctor.ts';
import { type ClassifiedInterface, classifyInterfaces, type InterfaceKind } from './interfaces.ts';

/** One interface as people see it. */
export interface InterfaceReport {
  readonly name: string;
  readonly kind: InterfaceKind;
  readonly addresses: string[];
  /** Beacons go out and are heard on it. */
  readonly used: boolean;
  readonly sent: number;
  readonly received: number;
  readonly lastError: string | null;
  /** In words; null: nothing is wrong. */
  readonly cause: string | null;
  readonly fix: string | null;
}

export type HeardOn = 'another' | 'unreadable';

interface Watched {
  interface: ClassifiedInterface;
  chosen: boolean | null;
  socket: LanSocket | null;
  sent: number;
  readonly heard: Record<HeardOn, number>;
  receiving: readonly LanFailure[];
  sending: readonly LanFailure[];
}

/** Null: nothing was chosen for this interface, and its kind decides. */
export type ChosenInterfaces = (name: string) => boolean | null;

const isUsed = ({ interface: { isReachable, isLocal }, chosen }: Watched) =>
  isReachable && (chosen ?? isLocal);

const failureOf = (path: LanPath, cause: unknown): LanFailure => {
  const { code = 'unknown', message = String(cause) } = cause as NodeJS.ErrnoException;
  return { path, code, message };
};

export class LanWatch {
  readonly #lan: Lan;
  readonly #onDatagram: (bytes: Buffer, address: string, interfaceName: string) => void;
  readonly #chosen: ChosenInterfaces;
  #watched = new Map<string, Watched>();
  #closing: Promise<void>[] = [];

  constructor(
    components: {
      lan: Lan;
      onDatagram: (bytes: Buffer, address: string, interfaceName: string) => void;
    },
    settings: { chosenInterfaces: ChosenInterfaces },
  ) {
    this.#lan = components.lan;
    this.#onDatagram = components.onDatagram;
    this.#chosen = settings.chosenInterfaces;
  }

  /**
   * Looks at the interfaces again. Returns whether there is a new way to be heard. `anew`: after a pause of the system even
   * what looks the same may be dead.
   */
  rescan(anew: boolean): boolean {
    let present: ClassifiedInterface[];
    try {
      present = classifyInterfaces(this.#lan.interfaces());
    } catch {
      // A system that cannot tell at the moment: what was there goes on.
      return false;
    }
    let isNew = false;
    const before = this.#watched;
    this.#watched = new Map();
    for (const one of present) {
      const { name } = one.lan;
      const known = before.get(name);
      before.delete(name);
      const chosen = this.#chosen(name);
      const watched: Watched = known ?? {
        interface: one,
        chosen,
        socket: null,
        sent: 0,
        heard: { another: 0, unreadable: 0 },
        receiving: [],
        sending: [],
      };
      const hasChanged = JSON.stringify(watched.interface) !== JSON.stringify(one);
      watched.interface = one;
      watched.chosen = chosen;
      this.#watched.set(name, watched);
      const used = isUsed(watched);
      const isDeaf = watched.receiving.length > 0;
      // What is opened anew keeps its failures until it is known to do better: they would flicker otherwise.
      if (!used || hasChanged || isDeaf || anew) this.#shut(watched);
      if (!used) watched.receiving = watched.sending = [];
      if (used && watched.socket === null && this.#open(watched) && !isDeaf) isNew = true;
    }
    for (const gone of before.values()) this.#shut(gone);
    return isNew;
  }

  /** Resolves once every interface has sent it, or said why not. */
  async send(bytes: Uint8Array): Promise<void> {
    await Promise.all([...this.#watched.values()].map((watched) => this.#sendOn(watched, bytes)));
  }

  note(interfaceName: string, what: HeardOn): void {
    const watched = this.#watched.get(interfaceName);
    if (watched !== undefined) watched.heard[what]++;
  }

  reports(): InterfaceReport[] {
    return [...this.#watched.values()].map((watched) => {
      const { interface: one, chosen, sent, heard } = watched;
      const used = isUsed(watched);
      const failures = [...watched.receiving, ...watched.sending];
      const figures = {
        name: one.lan.name,
        kind: one.kind,
        used,
        sent,
        received: heard.another,
      };
      const { cause, fix } = diagnose(
        { ...figures, isReachable: one.isReachable, chosen, unreadable: heard.unreadable, failures },
        this.#lan.port,
      );
      const lastError = failures.at(-1)?.message ?? null;
      return { ...figures, addresses: [...one.addresses], lastError, cause, fix };
    });
  }

  async close(): Promise<void> {
    for (const watched of this.#watched.values()) this.#shut(watched);
    await Promise.all(this.#closing);
  }

  /** Whether it is open now. */
  #open(watched: Watched): boolean {
    const { lan } = watched.interface;
    try {
      watched.socket = this.#lan.open(lan, {
        onDatagram: (bytes, address) => this.#onDatagram(bytes, address, lan.name),
        onReceiving: (failures) => {
          watched.receiving = failures;
        },
      });
      return true;
    } catch (cause) {
      watched.receiving = [failureOf('receive', cause)];
      return false;
    }
  }

  #shut(watched: Watched): void {
    const { socket } = watched;
    if (socket === null) return;
    watched.socket = null;
    const closing = socket.close().catch(() => {});
    this.#closing.push(closing);
    void closing.then(() => {
      this.#closing = this.#closing.filter((other) => other !== closing);
    });
  }

  async #sendOn(watched: Watched, bytes: Uint8Array): Promise<void> {
    const { socket } = watched;
    if (socket === null) return;
    let outcome: LanOutcome;
    try {
      outcome = await socket.send(bytes);
    } catch (cause) {
      outcome = { sent: false, failures: [failureOf('multicast', cause)] };
    }
    // Of a socket that was closed meanwhile nobody wants to know.
    if (watched.socket !== socket) return;
    if (outcome.sent) watched.sent++;
    watched.sending = outcome.failures;
  }
}
