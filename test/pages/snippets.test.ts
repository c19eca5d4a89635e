/** What the snippets are made from: addresses of every kind, few of many, and what is left out. */
import { describe, expect, it } from 'vitest';
import type { ClientsView } from '../../core/contract/computer-views.ts';
import { addressOf, snippetFor, snippetLanguages, targetOf } from '../../renderer/src/clients/snippets.ts';

const view = (addresses: readonly (string | null)[], loginRequired = false): ClientsView => ({
  ...{
    isOpen: true,
    whyNot: null,
    httpNetwork: [],
    interfaces: [],
    http: 'http://127.0.0.1:7370',
    loginRequired,
    users: [],
    authority: null,
  },
  nodes: addresses.map((network, index) => ({
    ...{ node: `n-${index}`, computer: 'Desk', local: index === 0 ? '[::1]:7379' : null, network },
  })),
});

describe('snippets', () => {
  it('reads host and port, also of IPv6, and nothing else', () => {
    expect(addressOf('192.168.1.20:7379')).toEqual({ host: '192.168.1.20', port: 7379 });
    expect(addressOf('[fd00::7]:7379')).toEqual({ host: 'fd00::7', port: 7379 });
    for (const text of ['', 'desk', '::1', ':7379', 'desk:']) expect(addressOf(text), text).toBeNull();
  });

  it('has no target where nobody answers, few of many addresses, and a login wherever one is needed', () => {
    expect(targetOf(view([null, null]), 'network')).toBeNull();
    const many = targetOf(view(Array.from({ length: 100 }, (_, index) => `10.0.0.${index}:7379`)), 'network');
    expect(many?.addresses).toHaveLength(6);
    expect(many).toMatchObject({ user: 'USER', tls: true });
    expect(targetOf(view([null]), 'local')).toMatchObject({ user: null, tls: false });
    expect(targetOf(view([null], true), 'local')).toMatchObject({ user: 'USER', tls: false });
  });

  it.each(snippetLanguages)(
    '%s: brackets of an IPv6 address only where host and port are one text',
    (language) => {
      const text = snippetFor(language, targetOf(view([null]), 'local')!);
      expect(text).toMatch(
        language === 'go' || language === 'csharp' ? '"[::1]:7379"' : /['"]::1['"], (port: )?7379/,
      );
      expect(text).not.toMatch(/tls|ssl|user|password|false\n|undefined|null[^,]/i);
    },
  );
});
