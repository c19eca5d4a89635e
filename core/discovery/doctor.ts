/**
 * From what happened on one interface to what is likely wrong there and what a person can do, in plain words. It guesses, and
 * says so; it never reports as wrong what is only quiet, such as an interface on which nothing has been sent for long enough.
 */
import type { LanFailure, LanPath } from '../ports/lan.ts';
import type { InterfaceKind } from './interfaces.ts';

export interface InterfaceFigures {
  readonly name: string;
  readonly kind: InterfaceKind;
  readonly isReachable: boolean;
  readonly used: boolean;
  /** What a person chose for it; null: nothing. */
  readonly chosen: boolean | null;
  /** Beacons. */
  readonly sent: number;
  /** Beacons of other computers. */
  readonly received: number;
  /** Datagrams that were no beacons of this version. */
  readonly unreadable: number;
  /** Present ones. */
  readonly failures: readonly LanFailure[];
}

export interface Diagnosis {
  readonly cause: string | null;
  readonly fix: string | null;
}

const well: Diagnosis = { cause: null, fix: null };
const typeIt = "type the other computer's address";

/** The burst at the start and two later beacons: whoever is there has answered by then. */
const sentForSilence = 5;

const leftOut: Partial<Record<InterfaceKind, Diagnosis>> = {
  vpn: {
    cause: 'This is a VPN: left out so that the cluster does not reach through it.',
    fix: 'Switch it on if you mean it.',
  },
  container: {
    cause: 'This leads to containers or virtual machines on this computer: left out.',
    fix: 'Switch it on if computers of the cluster run in there.',
  },
  'point-to-point': {
    cause: 'This joins two ends, or goes out over a telephone network: there are no neighbours to be found.',
    fix: `Switch it on if the other end is a computer of the cluster, or ${typeIt}.`,
  },
  loopback: { cause: null, fix: null },
};

const receiving: ReadonlySet<LanPath> = new Set(['receive', 'receive6']);

/** The ways in and out of IPv6 fail on many networks that work: they matter only where nothing else does. */
function worst(figures: InterfaceFigures): LanFailure | null {
  const { failures } = figures;
  const deaf = failures.find(({ path }) => path === 'receive');
  if (deaf !== undefined) return deaf;
  const isOut = (path: LanPath) => !receiving.has(path);
  const hasOtherWay = !failures.some(({ path }) => path === 'multicast' || path === 'broadcast');
  if (hasOtherWay && figures.sent > 0) return null;
  return failures.find(({ path }) => isOut(path)) ?? failures[0] ?? null;
}

function ofFailure({ path, code, message }: LanFailure, name: string, port: number): Diagnosis {
  switch (code) {
    case 'EADDRINUSE':
      return {
        cause: `UDP port ${port} is taken by another program, so other computers cannot be heard there.`,
        fix: `End the program that uses UDP port ${port}, or ${typeIt}.`,
      };
    case 'EACCES':
    case 'EPERM':
      return {
        cause: receiving.has(path)
          ? `The system does not let Coterie listen on UDP port ${port}.`
          : `The system, or a firewall on this computer, does not let Coterie send on ${name}.`,
        fix: `Allow Coterie to use UDP port ${port} in the firewall and in the privacy settings of the system, or ${typeIt}.`,
      };
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'ENETDOWN':
      return {
        cause: `The network at ${name} cannot be reached at the moment.`,
        fix: 'Look at the cable or the wireless connection. Coterie tries again by itself.',
      };
    case 'EADDRNOTAVAIL':
    case 'ENODEV':
    case 'ENXIO':
      return {
        cause: `The address of ${name} has just changed or gone.`,
        fix: 'Wait some seconds. Coterie tries again by itself.',
      };
    case 'EAFNOSUPPORT':
      return {
        cause: 'IPv6 is switched off on this computer, and there is no IPv4 address.',
        fix: 'Connect to a network that gives an IPv4 address.',
      };
    default:
      return {
        cause: `The system reports on ${name}: ${message}`,
        fix: `Coterie tries again by itself. Meanwhile, ${typeIt}.`,
      };
  }
}

export function diagnose(figures: InterfaceFigures, port: number): Diagnosis {
  const { name, kind, used, chosen, isReachable, sent, received, unreadable } = figures;
  if (!used) {
    if (chosen === false)
      return { cause: 'It is switched off here.', fix: 'Switch it on to find computers on it.' };
    if (!isReachable) {
      return { cause: 'It has no address.', fix: 'Connect it to a network, if other computers are there.' };
    }
    return leftOut[kind] ?? well;
  }
  const failure = worst(figures);
  if (failure !== null) return ofFailure(failure, name, port);
  if (received > 0) return well;
  if (unreadable > 0) {
    return {
      cause: `What was heard on ${name} was not understood. Another computer may run another version of Coterie.`,
      fix: 'Bring Coterie to the same version on all computers.',
    };
  }
  if (sent < sentForSilence) return well;
  return {
    cause:
      `Nothing was heard on ${name} although ${sent} beacons were sent. Either no other computer runs Coterie there, or a ` +
      `firewall blocks UDP port ${port}${kind === 'wireless' ? ', or the wireless network keeps its guests apart' : ''}.`,
    fix: `Allow Coterie in the firewall of both computers, or ${typeIt}.`,
  };
}
