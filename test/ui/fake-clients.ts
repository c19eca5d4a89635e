/**
 * How programs reach the data, in memory. Of the variants, `lan` is open with two computers, of which one was opened too; the
 * others are closed: they have no user yet, until a test gives them one.
 */
import { CoterieError } from '../../core/base/errors.ts';
import type { ClientsView } from '../../core/contract/computer-views.ts';
import type { NodeView } from '../../core/contract/node-views.ts';
import type { AccessView } from '../../core/contract/views.ts';
import type { Variant } from './fake-layouts.ts';

/** As long as a real one, and of nobody. */
export const fakeAuthority = [
  '-----BEGIN CERTIFICATE-----',
  ...Array.from({ length: 8 }, (_, line) => 'MIIBkTCCATegAwIBAgIQ'.padEnd(63, 'Zq4kPu7w') + line),
  '-----END CERTIFICATE-----',
  '',
].join('\n');

interface Parts {
  readonly nodes: () => readonly NodeView[];
  readonly access: () => AccessView;
  /** Other computers may connect to this one. */
  readonly isListening: () => boolean;
}

export class FakeClients {
  readonly #parts: Parts;
  isOpen: boolean;
  /** Computers that were opened, by name. */
  readonly #openComputers: ReadonlySet<string>;
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve();
  /** What was asked of `clients.open`. */
  readonly opened: boolean[] = [];
  /** Names of the interfaces that are open; null: all. */
  interfaces: readonly string[] | null = null;

  constructor(variant: Variant, parts: Parts) {
    this.#parts = parts;
    this.isOpen = variant === 'lan';
    this.#openComputers = new Set(variant === 'lan' ? ['Back room'] : []);
  }

  async answer(
    method: string,
    { on, interfaces }: { on: boolean; interfaces?: readonly string[] },
  ): Promise<unknown> {
    await this.gate;
    const view = this.#view();
    if (method === 'clients.view') return view;
    if (on && view.whyNot !== null) throw new CoterieError('conflict', view.whyNot);
    this.opened.push(on);
    this.isOpen = on;
    this.interfaces = interfaces ?? null;
    return {};
  }

  #view(): ClientsView {
    const { required, users } = this.#parts.access();
    const nodes = this.#parts.nodes();
    const computers = [...new Set(nodes.map(({ computer }) => computer))];
    return {
      isOpen: this.isOpen,
      whyNot: this.#whyNot(required, users.length),
      nodes: nodes.map((node, index) => {
        const { name, computer, state } = node;
        const isHere = computer === computers[0];
        const isOpen = isHere ? this.isOpen : this.#openComputers.has(computer);
        return {
          ...{ node: name, computer },
          local: isHere && state === 'up' ? `127.0.0.1:${7379 + index}` : null,
          network:
            isOpen && state === 'up' ? `192.168.1.${20 + computers.indexOf(computer)}:${7379 + index}` : null,
        };
      }),
      http: 'http://127.0.0.1:7370/',
      httpNetwork: this.isOpen ? ['https://192.168.1.20:7470/'] : [],
      interfaces: this.#parts.isListening() ? this.#interfaces() : [],
      loginRequired: required,
      users: users.map(({ name }) => name),
      authority: this.#parts.isListening() ? fakeAuthority : null,
    };
  }

  #interfaces(): ClientsView['interfaces'] {
    const isOpen = (name: string) => this.isOpen && (this.interfaces?.includes(name) ?? true);
    return [
      { name: 'eth0', kind: 'wired' as const, addresses: ['192.168.1.20'], isThere: true },
      { name: 'wlan0', kind: 'wireless' as const, addresses: ['192.168.1.50'], isThere: true },
      ...(this.interfaces ?? [])
        .filter((name) => !['eth0', 'wlan0'].includes(name))
        .map((name) => ({ name, kind: 'other' as const, addresses: [], isThere: false })),
    ].map((one) => ({ ...one, isOpen: isOpen(one.name) }));
  }

  #whyNot(required: boolean, userCount: number): string | null {
    if (!this.#parts.isListening())
      return 'Other computers cannot connect to this one. Let them connect first, on the page Computers.';
    if (userCount === 0) return 'There is no user yet, so everybody could read and write. Add one.';
    return required ? null : 'No login is required yet, so everybody could read and write. Require it.';
  }
}
