import { describe, expect, it } from 'vitest';
import { broadcastOf, classifyInterfaces } from '../../../core/discovery/interfaces.ts';
import { ipv4Of } from '../../support/beacons.ts';

const kindOf = (name: string) => classifyInterfaces({ [name]: [ipv4Of('10.0.0.1')] })[0].kind;

describe('interfaces', () => {
  it.each([
    ['wired', 'eth0 enp3s0 eno1 ens33 en0 bond0|Ethernet|Ethernet 2|Local Area Connection'],
    ['wireless', 'wlan0 wlp2s0 wlx001122334455 ath0|Wi-Fi|WLAN|Wireless Network Connection 2'],
    ['vpn', 'tun0 tap0 wg0 utun3 tailscale0 ztabc nordlynx|Tailscale|OpenVPN TAP-Windows6|ProtonVPN'],
    ['container', 'docker0 br-1a2b3c veth12ab virbr0 vmnet8 vboxnet0 cni0 bridge100|vEthernet (WSL)'],
    [
      'container',
      'podman0|vEthernet (Default Switch)|VirtualBox Host-Only Network|VMware Network Adapter VMnet8',
    ],
    ['point-to-point', 'ppp0 wwan0 awdl0 sit0 rmnet0'],
    ['loopback', 'lo lo0|Loopback Pseudo-Interface 1'],
    ['other', 'lan0 p1 br0 home'],
  ])('takes for %s: %s', (kind, list) => {
    const [short, ...long] = list.split('|');
    for (const name of [...short.split(' '), ...long]) expect([name, kindOf(name)]).toEqual([name, kind]);
  });

  it('uses wired, wireless and unknown ones that have an address, and no others', () => {
    const table = {
      lo: [{ ...ipv4Of('127.0.0.1'), internal: true }],
      eth0: [ipv4Of('10.0.0.1')],
      lan0: [{ family: 'IPv6' as const, address: 'fe80::1', netmask: 'ffff::', internal: false, scopeid: 4 }],
      wlan0: [{ family: 'IPv6' as const, address: '2001:db8::1', netmask: 'ffff::', internal: false }],
      wg0: [ipv4Of('10.9.0.1')],
      eth1: undefined,
    };
    const used = classifyInterfaces(table).filter(({ isLocal, isReachable }) => isLocal && isReachable);
    expect(used.map(({ lan }) => lan)).toEqual([
      {
        name: 'eth0',
        ipv4: [{ address: '10.0.0.1', prefixLength: 24, broadcast: '10.0.0.255' }],
        ipv6: null,
      },
      { name: 'lan0', ipv4: [], ipv6: { address: 'fe80::1', scopeId: 4 } },
    ]);
  });

  it('takes an unknown one without a neighbourhood for point-to-point', () => {
    const table = { x0: [{ ...ipv4Of('10.0.0.1'), netmask: '255.255.255.255' }] };
    expect(classifyInterfaces(table)[0].kind).toBe('point-to-point');
  });

  it('knows the broadcast address of a subnet', () => {
    expect(broadcastOf('192.168.1.17', '255.255.255.0')).toBe('192.168.1.255');
    expect(broadcastOf('10.20.30.40', '255.240.0.0')).toBe('10.31.255.255');
    expect(broadcastOf('172.16.5.9', '255.255.255.252')).toBe('172.16.5.11');
    expect(broadcastOf('10.0.0.1', '255.255.255.254')).toBeNull();
    expect(broadcastOf('10.0.0.1', '0.0.0.0')).toBeNull();
    expect(broadcastOf('fe80::1', 'ffff::')).toBeNull();
  });
});
