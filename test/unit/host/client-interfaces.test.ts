import { describe, expect, it } from 'vitest';
import {
  clientInterfaces,
  hostsFor,
  interfaceNamed,
  interfacesAfter,
} from '../../../core/host/computers/client-interfaces.ts';
import { keepNetworkChoice, readNetworkChoice } from '../../../core/host/computers/network-choice.ts';
import type { Disk } from '../../../core/ports/disk.ts';
import type { InterfaceTable } from '../../../core/ports/lan.ts';

const at = (address: string, internal = false) => ({
  ...{ address, internal, netmask: '255.255.255.0', family: 'IPv4' as const, mac: '', cidr: null },
});
const table: InterfaceTable = {
  lo: [at('127.0.0.1', true)],
  eth0: [at('192.168.1.20'), { ...at('fd00::7'), family: 'IPv6' }],
  wlan0: [at('192.168.1.21')],
  tun0: [at('10.8.0.2')],
};
const everywhere = '0.0.0.0';

describe('interfaces for programs on other computers', () => {
  it('are all of them unless a person chose, and then their addresses of now', () => {
    expect(hostsFor({ listen: everywhere, interfaces: null }, table)).toEqual([everywhere]);
    const wish = { listen: everywhere, interfaces: ['eth0', 'tun0'] };
    expect(hostsFor(wish, table)).toEqual(['192.168.1.20', '10.8.0.2']);
    expect(hostsFor(wish, { ...table, eth0: [at('192.168.7.9')] })).toEqual(['192.168.7.9', '10.8.0.2']);
    expect(hostsFor(wish, { lo: table.lo })).toEqual([]);
  });

  it('are the one with the address at which alone the computer listens', () => {
    expect(hostsFor({ listen: '192.168.1.20', interfaces: ['eth0'] }, table)).toEqual(['192.168.1.20']);
    expect(hostsFor({ listen: '192.168.1.20', interfaces: ['wlan0'] }, table)).toEqual([]);
    expect(hostsFor({ listen: 'fd00::7', interfaces: ['eth0'] }, table)).toEqual(['fd00::7']);
    // All of 127.0.0.0/8 is the computer itself.
    expect(hostsFor({ listen: '127.0.0.9', interfaces: ['lo'] }, table)).toEqual(['127.0.0.9']);
  });

  it('are shown with which are open, and those that were chosen and are gone', () => {
    const shown = (interfaces: readonly string[] | null, isOpen = true, listen = everywhere) =>
      clientInterfaces({ listen, interfaces }, isOpen, table).map((one) =>
        [one.name, one.isOpen ? 'open' : 'closed', ...(one.isThere ? one.addresses : ['gone'])].join(' '),
      );
    expect(shown(null)).toEqual(['eth0 open 192.168.1.20', 'wlan0 open 192.168.1.21', 'tun0 open 10.8.0.2']);
    expect(shown(null, false)[0]).toBe('eth0 closed 192.168.1.20');
    expect(shown(['wlan0', 'eth9'])).toEqual([
      ...['eth0 closed 192.168.1.20', 'wlan0 open 192.168.1.21', 'tun0 closed 10.8.0.2', 'eth9 open gone'],
    ]);
    expect(shown(null, true, '127.0.0.9')).toEqual(['lo open 127.0.0.9']);
  });

  it('are named by name or address', () => {
    expect(['eth0', '192.168.1.21', 'fd00::7'].map((text) => interfaceNamed(text, table))).toEqual([
      ...['eth0', 'wlan0', 'eth0'],
    ]);
    expect(() => interfaceNamed('eth9', table)).toThrow('It has: lo 127.0.0.1, eth0 192.168.1.20,');
  });

  it('are opened and closed one by one, and all at once', () => {
    const opened = (
      on: boolean,
      named: string[] | undefined,
      present: readonly string[] | null,
      only = false,
    ) => interfacesAfter({ on, named, only }, { listen: everywhere, interfaces: present }, table);
    expect(opened(true, undefined, [])).toBeNull();
    expect(opened(false, undefined, null)).toEqual([]);
    expect(opened(true, ['192.168.1.20'], [])).toEqual(['eth0']);
    expect(opened(true, ['wlan0', 'eth0'], ['eth0'])).toEqual(['eth0', 'wlan0']);
    expect(opened(true, ['wlan0'], null)).toBeNull();
    expect(opened(true, ['10.8.0.2', 'eth9'], ['eth9'], true)).toEqual(['tun0', 'eth9']);
    expect(opened(false, ['wlan0'], null)).toEqual(['eth0', 'tun0']);
    expect(opened(false, ['eth9'], ['eth9'])).toEqual([]);
    expect(() => opened(true, ['eth9'], ['eth0'])).toThrow('no interface "eth9"');
  });
});

describe('what a person chose', () => {
  function diskWith(text: string | null) {
    let content = text;
    return {
      readFile: async () => Buffer.from(content ?? ''),
      replaceFile: async (_: string, bytes: Buffer) => {
        content = bytes.toString();
      },
    } as unknown as Disk;
  }

  it('of an older file is all interfaces, or none', async () => {
    const read = (text: string) => readNetworkChoice(diskWith(text));
    expect(await read('{"listen":"0.0.0.0","clientsOpen":true}')).toEqual({
      ...{ listen: '0.0.0.0', clientsOpen: true, clientInterfaces: null },
    });
    expect(await read('{"listen":null}')).toMatchObject({ clientsOpen: false, clientInterfaces: null });
    expect(await read('{"listen":3}')).toMatchObject({ listen: null, clientsOpen: false });
  });

  it('is read as it was kept', async () => {
    const disk = diskWith(null);
    const choice = { listen: '0.0.0.0', clientsOpen: true, clientInterfaces: ['eth0'] };
    await keepNetworkChoice(disk, choice);
    expect(await readNetworkChoice(disk)).toEqual(choice);
  });
});
