/**
 * At which addresses of this computer programs on other computers may connect: those of the interfaces that a person chose, by
 * name, so that one whose address changes stays chosen. Pure.
 */
import { isIPv4 } from 'node:net';
import { CoterieError } from '../../base/errors.ts';
import type { ClientInterface } from '../../contract/computer-views.ts';
import { classifyInterfaces } from '../../discovery/interfaces.ts';
import type { InterfaceTable } from '../../ports/lan.ts';
import { oneAddress } from '../ports.ts';
import { isLoopback } from './known-places.ts';

export interface ClientPlaces {
  /** As HostSettings has it: one address where other computers connect at one alone. */
  readonly listen: string;
  /** Names of interfaces; null: all that there are. */
  readonly interfaces: readonly string[] | null;
}

interface OfSystem {
  readonly name: string;
  readonly kind: ClientInterface['kind'];
  /** As all of this computer's ports: by IPv4, unless it is told to listen at an address of another kind. */
  readonly addresses: readonly string[];
}

function interfacesIn(table: InterfaceTable): OfSystem[] {
  return classifyInterfaces(table).map(({ lan: { name }, kind, addresses }) => ({
    ...{ name, kind },
    addresses: addresses.filter((address) => isIPv4(address)),
  }));
}

function has({ addresses, kind }: OfSystem, address: string, table: InterfaceTable[string] = []): boolean {
  // All of 127.0.0.0/8 is there, and one address of it is listed.
  const isOwnLoopback = kind === 'loopback' && isLoopback(address);
  return isOwnLoopback || addresses.includes(address) || table.some((one) => one.address === address);
}

/** Where to listen; none while the chosen interfaces are not there. */
export function hostsFor({ listen, interfaces }: ClientPlaces, table: InterfaceTable): string[] {
  if (interfaces === null) return [listen];
  const chosen = interfacesIn(table).filter(({ name }) => interfaces.includes(name));
  const only = oneAddress(listen);
  if (only === null) return [...new Set(chosen.flatMap(({ addresses }) => addresses))];
  return chosen.some((one) => has(one, only, table[one.name])) ? [only] : [];
}

/** For people: what can be chosen, and what was chosen and is not there now. */
export function clientInterfaces(
  { listen, interfaces }: ClientPlaces,
  isOpen: boolean,
  table: InterfaceTable,
): ClientInterface[] {
  const only = oneAddress(listen);
  const isChosen = (name: string) => isOpen && (interfaces === null || interfaces.includes(name));
  const known = interfacesIn(table);
  const offered = known.filter((one) => {
    if (only !== null) return has(one, only, table[one.name]);
    return one.addresses.length > 0 && (one.kind !== 'loopback' || interfaces?.includes(one.name) === true);
  });
  const names = new Set(offered.map(({ name }) => name));
  const missing = isOpen ? (interfaces ?? []).filter((name) => !names.has(name)) : [];
  return [
    ...offered.map(({ name, kind, addresses }) => ({
      ...{ name, kind, isOpen: isChosen(name), isThere: true },
      addresses: only === null ? [...addresses] : [only],
    })),
    ...missing.map((name) => ({
      ...{ name, kind: known.find((one) => one.name === name)?.kind ?? ('other' as const) },
      ...{ addresses: [], isOpen: true, isThere: false },
    })),
  ];
}

/** By its name, or one of its addresses. Throws `not-found` with what there is. */
export function interfaceNamed(text: string, table: InterfaceTable): string {
  const known = interfacesIn(table);
  const found =
    known.find(({ name }) => name === text) ?? known.find((one) => has(one, text, table[one.name]));
  if (found !== undefined) return found.name;
  const names = known.map(({ name, addresses }) => [name, ...addresses].join(' ')).join(', ');
  throw new CoterieError('not-found', `This computer has no interface "${text}". It has: ${names}.`);
}

/**
 * The interfaces that are open after `named` were opened, with `only` no others, or closed; `named` absent: all of them. Null: all;
 * none: closed. Throws `not-found` for one that is neither there nor open.
 */
export function interfacesAfter(
  { on, named, only }: { on: boolean; named: readonly string[] | undefined; only: boolean },
  { listen, interfaces }: ClientPlaces,
  table: InterfaceTable,
): readonly string[] | null {
  if (named === undefined) return on ? null : [];
  // One that is gone can be closed by the name that it had.
  const names = named.map((text) =>
    interfaces?.includes(text) === true ? text : interfaceNamed(text, table),
  );
  if (on && only) return [...new Set(names)];
  if (on) return interfaces === null ? null : [...new Set([...interfaces, ...names])];
  const all = () => clientInterfaces({ listen, interfaces }, true, table).map(({ name }) => name);
  return (interfaces ?? all()).filter((name) => !names.includes(name));
}
