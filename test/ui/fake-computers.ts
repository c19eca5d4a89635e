/**
 * Computers, invitations, requests and what is near, in memory. Of the variants, `lan` has company and `newcomer` is of no
 * cluster; the others are alone on a quiet network.
 */
import { CoterieError } from '../../core/base/errors.ts';
import type {
  ComputerStanding,
  ComputerView,
  FoundComputer,
  InterfaceReport,
  Invitation,
  JoinRequest,
  KeyLockView,
  SharedKeysView,
} from '../../core/contract/computer-views.ts';
import type { ComputerRole } from '../../core/contract/roles.ts';
import type { Variant } from './fake-layouts.ts';

const minute = 60_000;
const fingerprints = [
  '8f3a:19c2:7be4:d05f:6a11:c93e:4470:b8d2',
  '2c71:e5b0:94af:1d38:f6c2:7e09:a35b:60d4',
  'b94d:03e8:5a7c:ce12:8810:4fb6:d2a9:7735',
  'd17e:6b25:0c98:f3a4:59e1:22bc:87f0:1a6d',
  '4ea0:b8f7:31d6:972c:0e5d:c4a8:6f13:e29b',
];
const northStreet = { id: 'f3', name: 'North Street', fingerprint: fingerprints[0] };
const harbour = { id: 'h9', name: 'Harbour workshop', fingerprint: fingerprints[4] };

const wired: InterfaceReport = {
  ...{ name: 'enp3s0', kind: 'wired', addresses: ['192.168.1.20', 'fe80::5a:21ff:fe04:9c1d'] },
  ...{ used: true, sent: 1_284, received: 3_911, lastError: null, cause: null, fix: null },
};
const failing: InterfaceReport = {
  ...{ name: 'wlp2s0', kind: 'wireless', addresses: ['192.168.7.44'], used: true, sent: 214, received: 0 },
  lastError: 'sendto 239.255.42.17: operation not permitted',
  cause: 'Something on this computer keeps Coterie from sending on this network.',
  fix: 'Allow Coterie in the firewall for private networks, then look again.',
};
const tunnel: InterfaceReport = {
  ...{ name: 'tun0', kind: 'vpn', addresses: ['10.8.0.6'], used: false, sent: 0, received: 0 },
  ...{
    lastError: null,
    cause: null,
    fix: 'Private tunnels are left out. Type the address of a computer behind it.',
  },
};

function requestsAt(nowMs: number): JoinRequest[] {
  return [
    {
      ...{ id: 'r1', computer: 'Workshop', address: '192.168.1.57:7400', fingerprint: fingerprints[3] },
      ...{ dataCenter: 'office', nodes: 1, askedAtMs: nowMs - 2 * minute, at: 'Front desk' },
    },
    {
      ...{ id: 'r2', computer: 'Meeting room on the second floor', address: '192.168.1.61:7400' },
      ...{ fingerprint: fingerprints[4], dataCenter: 'warehouse', nodes: 2 },
      ...{ askedAtMs: nowMs - 20_000, at: 'Back room' },
    },
  ];
}

export class FakeComputers {
  readonly #variant: Variant;
  readonly #viewsOfLayout: () => ComputerView[];
  readonly #named: (name: string) => void;
  readonly #startedAtMs = Date.now();
  readonly #removed = new Set<string>();
  /** Of those that are no owners, by name. */
  readonly roles = new Map<string, ComputerRole>();
  requests: JoinRequest[];
  found: FoundComputer[];
  interfaces: InterfaceReport[];
  standing: ComputerStanding;
  keys: SharedKeysView = {
    number: 0,
    replacedAtMs: null,
    authority: fingerprints[0],
    own: { isUnderWay: false, waitsFor: [] },
  };
  keyLock: KeyLockView = { isOn: true, whyNot: null };
  /** How long a code is good. */
  invitationMs = 10 * minute;
  /** As a host from before there were other computers. */
  isOld = false;
  /** Other computers may connect; of the variants without any. */
  isListening = true;
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve();
  /** Every answered question, as it came. */
  readonly asked: { readonly method: string; readonly input: object }[] = [];

  constructor(variant: Variant, parts: { views: () => ComputerView[]; named: (name: string) => void }) {
    this.#variant = variant;
    this.#viewsOfLayout = parts.views;
    this.#named = parts.named;
    const hasCompany = variant === 'lan';
    this.requests = hasCompany ? requestsAt(this.#startedAtMs) : [];
    this.found = hasCompany || variant === 'newcomer' ? this.#near(hasCompany) : [];
    this.interfaces = hasCompany || variant === 'newcomer' ? [wired, failing, tunnel] : [wired];
    this.standing = {
      ...{ state: variant === 'newcomer' ? 'alone' : 'member', computer: 'Workshop', detail: null },
      ...{ fingerprint: fingerprints[3], cluster: null },
    };
  }

  get isOutside(): boolean {
    return this.standing.state !== 'member';
  }

  views(): ComputerView[] {
    const views = this.#viewsOfLayout()
      .filter(({ name }) => !this.#removed.has(name))
      .map((view) => ({ ...view, role: this.roles.get(view.name) ?? view.role }));
    if (this.#variant !== 'lan') {
      const address = this.isListening ? '192.168.1.20:7430' : null;
      return views.map((view) => (view.self ? { ...view, address } : view));
    }
    return views.map((view, index) => ({
      ...view,
      ...{ address: `192.168.1.${20 + index}:7400`, fingerprint: fingerprints[index] },
      ...(view.self
        ? { state: 'here' as const, heardAtMs: Date.now() }
        : view.name === 'Gate'
          ? { state: 'away' as const, heardAtMs: this.#startedAtMs - 5 * minute }
          : { state: 'reached' as const, heardAtMs: Date.now() - 900 }),
    }));
  }

  async answer(
    method: string,
    input: {
      id: string;
      name: string;
      code: string;
      dataCenter?: string;
      apply?: boolean;
      role?: ComputerRole;
      on?: boolean;
    },
  ): Promise<unknown> {
    if (this.isOld) throw new CoterieError('unsupported', `There is no method "${method}".`);
    if (method !== 'computer.standing') await this.gate;
    this.asked.push({ method, input });
    switch (method) {
      case 'computer.standing':
        return this.standing;
      case 'computer.keyLock':
        return this.keyLock;
      case 'computer.lockKeys':
        this.keyLock = { ...this.keyLock, isOn: input.on === true };
        return this.keyLock;
      case 'computers.requests':
        return this.requests;
      case 'computers.invite':
        return this.#invite(input.dataCenter ?? 'office');
      case 'computers.approve':
        this.#take(input.id);
        return { version: input.apply === false ? null : 2 };
      case 'computers.refuse':
        this.#take(input.id);
        return {};
      case 'computers.setRole':
        this.roles.set(input.name, input.role ?? 'owner');
        return { version: 2 };
      case 'computers.remove':
        this.#removed.add(input.name);
        return { version: 2 };
      case 'computers.keys':
        return this.keys;
      case 'computers.replaceKeys':
        this.keys = { ...this.keys, number: this.keys.number + 1, replacedAtMs: Date.now() };
        return this.keys;
      case 'computers.replaceOwnKey':
        return { isUnderWay: true, waitsFor: [] };
      case 'network.found':
        return this.found;
      case 'network.doctor':
        return this.interfaces;
      case 'network.listen':
        this.isListening = true;
        return {};
      case 'join.ask':
        return this.#ask(input.code);
      case 'join.cancel':
        return this.stand('alone', null);
      default:
        this.#named(input.name);
        return this.stand('member', null);
    }
  }

  /** What was asked last with this method. */
  lastInput(method: string): object | undefined {
    return this.asked.findLast((call) => call.method === method)?.input;
  }

  stand(state: ComputerStanding['state'], detail: string | null): ComputerStanding {
    const cluster = state === 'alone' ? null : northStreet.name;
    this.standing = { ...this.standing, state, detail, cluster };
    return this.standing;
  }

  #ask(code: string): ComputerStanding {
    if (code.includes('wrong'))
      throw new CoterieError('unauthorized', 'No computer near by knows this code. Ask for a new one.');
    return this.stand('waiting', 'Front desk has the request. Somebody there must let it in.');
  }

  #invite(dataCenter: string): Invitation {
    return {
      ...{ code: 'K7QM-4XDR-92HV', dataCenter, expiresAtMs: Date.now() + this.invitationMs },
      link: 'coterie://join/K7QM-4XDR-92HV?at=192.168.1.20:7400,192.168.1.21:7400&key=8f3a19c27be4d05f6a11c93e4470b8d2',
    };
  }

  #take(id: string): void {
    if (!this.requests.some((request) => request.id === id))
      throw new CoterieError('not-found', 'This request is no longer there.');
    this.requests = this.requests.filter((request) => request.id !== id);
  }

  #near(isMember: boolean): FoundComputer[] {
    const heardAtMs = this.#startedAtMs - 4_000;
    const at = (computer: string, last: number, cluster: FoundComputer['cluster']): FoundComputer => ({
      ...{ computer, address: `192.168.1.${last}:7400`, cluster, heardAtMs },
      isOurs: isMember && cluster?.id === northStreet.id,
    });
    return [
      at('Front desk', 20, northStreet),
      at('Back room', 21, northStreet),
      at('Crane', 80, harbour),
      ...(isMember ? [at('Workshop', 57, null), at('Till A', 63, null)] : []),
    ];
  }
}
