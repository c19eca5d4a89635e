/**
 * What the operating system's list of network interfaces means: the kind of each, whether beacons belong on it unless
 * somebody says otherwise, and how to speak there. Systems tell names and addresses, never the kind, so the name decides;
 * what no rule knows counts as an ordinary network, because a computer that is not found is worse than a beacon too many.
 */
import type { InterfaceAddress, InterfaceTable, LanInterface } from '../ports/lan.ts';

export type InterfaceKind =
  | 'wired'
  | 'wireless'
  | 'loopback'
  | 'vpn'
  | 'container'
  | 'point-to-point'
  | 'other';

export interface ClassifiedInterface {
  readonly lan: LanInterface;
  readonly kind: InterfaceKind;
  readonly addresses: readonly string[];
  /** It has an address that beacons can leave from. */
  readonly isReachable: boolean;
  /** A network of this place, so that beacons go out on it unless a person says otherwise. */
  readonly isLocal: boolean;
}

/** A host of containers has one for each; the first ones, in the order of the system, are the real ones. */
const interfaceCountMax = 64;
/** Addresses of one interface that are spoken from; more than one is rare. */
const addressCountMax = 4;

/** The first that matches decides: "vEthernet" before "Ethernet", "wwan" before "wlan". */
const kindsByName: readonly (readonly [RegExp, InterfaceKind])[] = [
  [/^lo\d*$|loopback/i, 'loopback'],
  [
    /^(docker|br-|veth|virbr|vmnet|vboxnet|vnet|podman|cni|flannel|cali|lxc|lxd|incus|kube|cilium|bridge1\d\d)/i,
    'container',
  ],
  [/^vEthernet|virtualbox|vmware|hyper-v|\bwsl\b/i, 'container'],
  [/^(tun|tap|wg|utun|ipsec|tailscale|zt|ham|nordlynx|proton|vpn|gpd|cscotun)/i, 'vpn'],
  [/vpn|wireguard|tailscale|zerotier|hamachi|anyconnect|nordlynx|fortinet|tap-windows|wintun/i, 'vpn'],
  [/^(ppp|slip|wwan|wwp|rmnet|pdp_ip|gre|sit|ip6tnl|awdl|llw|6to4|teredo|isatap|gif|stf)/i, 'point-to-point'],
  [/^(cellular|mobile|mobilfunk)|teredo|isatap/i, 'point-to-point'],
  [/^(wl|ath|ra\d)/i, 'wireless'],
  [/wi-?fi|wireless|drahtlos/i, 'wireless'],
  [/^(eth|en|em\d|bond|team|p\d+p\d)/i, 'wired'],
  [/ethernet|^local area connection|^lan-verbindung/i, 'wired'],
];

const localKinds: ReadonlySet<InterfaceKind> = new Set(['wired', 'wireless', 'other']);

function kindOf(name: string, addresses: readonly InterfaceAddress[]): InterfaceKind {
  if (addresses.length > 0 && addresses.every(({ internal }) => internal)) return 'loopback';
  const byName = kindsByName.find(([pattern]) => pattern.test(name))?.[1];
  if (byName !== undefined) return byName;
  // One address and nobody beside it, or a network of two: there is no neighbourhood to be found.
  const ipv4 = addresses.filter(({ family }) => family === 'IPv4');
  const isNarrow = ipv4.length > 0 && ipv4.every(({ netmask }) => prefixLengthOf(netmask) >= 31);
  return isNarrow ? 'point-to-point' : 'other';
}

/** Null: it is no IPv4 address. */
function ipv4Number(address: string): number | null {
  const parts = address.split('.').map(Number);
  const isAddress =
    parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255);
  return isAddress ? parts.reduce((sum, part) => sum * 256 + part, 0) : null;
}

function prefixLengthOf(netmask: string): number {
  const mask = ipv4Number(netmask);
  return mask === null ? 32 : Math.clz32(~mask);
}

/** Of the subnet; null where there is none: fewer than two neighbours, or addresses that are none. */
export function broadcastOf(address: string, netmask: string): string | null {
  const host = ipv4Number(address);
  const prefixLength = prefixLengthOf(netmask);
  if (host === null || prefixLength === 0 || prefixLength > 30) return null;
  const size = 2 ** (32 - prefixLength);
  const last = Math.floor(host / size) * size + size - 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join('.');
}

function lanOf(name: string, addresses: readonly InterfaceAddress[]): LanInterface {
  const linkLocal = addresses.find(({ family, address }) => family === 'IPv6' && /^fe[89ab]/i.test(address));
  return {
    name,
    ipv4: addresses
      .filter(({ family, address }) => family === 'IPv4' && ipv4Number(address) !== null)
      .slice(0, addressCountMax)
      .map(({ address, netmask }) => ({
        address,
        prefixLength: prefixLengthOf(netmask),
        broadcast: broadcastOf(address, netmask),
      })),
    ipv6: linkLocal === undefined ? null : { address: linkLocal.address, scopeId: linkLocal.scopeid ?? 0 },
  };
}

export function classifyInterfaces(table: InterfaceTable): ClassifiedInterface[] {
  return Object.entries(table)
    .slice(0, interfaceCountMax)
    .map(([name, addresses = []]) => {
      const kind = kindOf(name, addresses);
      const lan = lanOf(name, addresses);
      return {
        lan,
        kind,
        addresses: addresses.map(({ address }) => address),
        isReachable: lan.ipv4.length > 0 || lan.ipv6 !== null,
        isLocal: localKinds.has(kind),
      };
    });
}
