/**
 * What a program needs to reach the data, in the languages of the clients that most people use. Each takes several addresses and
 * goes on at the next one when a node is gone. None is in cluster mode: every node answers for every key.
 */
import type { ClientsView } from '../../../core/contract/computer-views.ts';
import { csharp } from './snippet-csharp.ts';
import { go } from './snippet-go.ts';
import { java } from './snippet-java.ts';
import { node } from './snippet-node.ts';
import { python } from './snippet-python.ts';
import type { Address, Target } from './snippet-target.ts';

export const snippetLanguages = ['node', 'python', 'go', 'java', 'csharp'] as const;
export type SnippetLanguage = (typeof snippetLanguages)[number];

export const snippetWords: Readonly<
  Record<SnippetLanguage, { readonly label: string; readonly client: string; readonly note: string }>
> = {
  node: {
    ...{ label: 'Node.js', client: 'ioredis' },
    note: 'Commands wait while no node answers, and are sent again.',
  },
  python: { label: 'Python', client: 'redis-py', note: 'Up to 20 tries, about 17 seconds.' },
  go: { label: 'Go', client: 'go-redis', note: 'Up to 12 tries, about 6 seconds.' },
  java: {
    label: 'Java',
    client: 'Jedis',
    note: 'Up to 20 tries within 15 seconds, from a pool of connections.',
  },
  csharp: {
    ...{ label: 'C#', client: 'StackExchange.Redis' },
    note: 'It goes on at another node by itself. A command that was under way fails: send it again.',
  },
};

/** More are of no use: one that answers is enough. */
const addressCountMax = 6;

/** Null: it is no address. */
export function addressOf(text: string): Address | null {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  return match === null ? null : { host: match[1] ?? match[2], port: Number(match[3]) };
}

/** Null: no node can be reached that way now. */
export function targetOf(view: ClientsView, where: 'local' | 'network'): Target | null {
  const addresses = view.nodes
    .map((one) => one[where])
    .flatMap((text) => (text === null ? [] : (addressOf(text) ?? [])))
    .slice(0, addressCountMax);
  if (addresses.length === 0) return null;
  const needsLogin = where === 'network' || view.loginRequired;
  return { addresses, user: needsLogin ? (view.users[0] ?? 'USER') : null, tls: where === 'network' };
}

const writers: Readonly<Record<SnippetLanguage, (target: Target) => string>> = {
  ...{ node, python, go, java, csharp },
};

export function snippetFor(language: SnippetLanguage, target: Target): string {
  return writers[language](target);
}
