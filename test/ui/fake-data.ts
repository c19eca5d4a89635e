/** The keys of the fake cluster: values with contexts, siblings when a write did not know of another. */
import { CoterieError } from '../../core/base/errors.ts';
import { addressOf, partitionOf, slotOf } from '../../core/base/token.ts';
import type { MethodName } from '../../core/contract/api.ts';
import type { KeyView, ReplicaView, ValueView } from '../../core/contract/views.ts';
import { keyspaceNamed, type Layout } from '../../core/layout/layout.ts';
import { placementOf } from '../../core/ring/ring.ts';

interface Stored {
  siblings: ValueView[];
  version: number;
  deleted: boolean;
}

interface Input {
  readonly keyspace: string;
  readonly key: string;
  readonly value: string;
  readonly encoding: 'utf8' | 'base64';
  readonly context?: string;
  readonly expiresInSeconds?: number;
  readonly cursor: string;
  readonly match: string;
  readonly countMax: number;
}

function stampedValue(text: string, encoding: 'utf8' | 'base64', expiresInSeconds?: number): ValueView {
  const expiresAtMs = expiresInSeconds === undefined ? 0 : Date.now() + expiresInSeconds * 1000;
  const byteCount = Buffer.byteLength(text, encoding);
  return {
    text,
    encoding,
    byteCount,
    truncated: false,
    expiresAtMs,
    writtenAtMs: Date.now(),
    contentType: '',
  };
}

const contextOf = (stored: Stored | undefined) =>
  stored === undefined ? '' : Buffer.from(`context of version ${stored.version}`).toString('base64url');

export class FakeData {
  readonly #layout: () => Layout;
  readonly #isUp: (nodeId: number) => boolean;
  readonly #keyspaces = new Map<string, Map<string, Stored>>();

  constructor(layout: () => Layout, isUp: (nodeId: number) => boolean) {
    this.#layout = layout;
    this.#isUp = isUp;
  }

  fill(keyspace: string): void {
    for (let index = 0; index < 260; index++) {
      this.#put(
        keyspace,
        `order:${8800 + index}`,
        stampedValue(`{"customer":${index},"total":"${index * 7}.50"}`, 'utf8'),
      );
    }
    this.#put(keyspace, 'cart:31', stampedValue('{"items":["tea","bread"]}', 'utf8'));
    this.#put(keyspace, 'cart:31', stampedValue('{"items":["tea","milk","honey"]}', 'utf8'));
    this.#put(
      keyspace,
      'picture',
      stampedValue('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ', 'base64', 3600),
    );
    this.#put(
      keyspace,
      `a-very-long-key:${'with/many/parts-'.repeat(9)}`,
      stampedValue('The name of this key is longer than any list is wide.', 'utf8'),
    );
  }

  forget(keyspace: string): void {
    this.#keyspaces.delete(keyspace);
  }

  answer(method: MethodName, raw: Readonly<Record<string, unknown>>): unknown {
    const input = raw as unknown as Input;
    keyspaceNamed(this.#layout(), input.keyspace);
    switch (method) {
      case 'data.find':
        return this.#find(input.keyspace, input.key);
      case 'data.replicas':
        return this.#replicas(input.keyspace, input.key);
      case 'data.put': {
        const value = stampedValue(input.value, input.encoding, input.expiresInSeconds);
        return { context: contextOf(this.#put(input.keyspace, input.key, value, input.context)) };
      }
      case 'data.delete': {
        const stored = this.#keys(input.keyspace).get(input.key);
        if (stored !== undefined)
          Object.assign(stored, { siblings: [], deleted: true, version: stored.version + 1 });
        return { context: contextOf(stored) };
      }
      case 'data.list':
        return this.#list(input);
      default:
        throw new CoterieError('unsupported', `The fake cluster does not answer ${method}.`);
    }
  }

  #keys(keyspace: string): Map<string, Stored> {
    const keys = this.#keyspaces.get(keyspace) ?? new Map<string, Stored>();
    this.#keyspaces.set(keyspace, keys);
    return keys;
  }

  #put(keyspace: string, key: string, value: ValueView, context?: string): Stored {
    const before = this.#keys(keyspace).get(key);
    const keeps = before !== undefined && context !== contextOf(before);
    const siblings = keeps ? [...before.siblings, value] : [value];
    const stored = { siblings, version: (before?.version ?? 0) + 1, deleted: false };
    this.#keys(keyspace).set(key, stored);
    return stored;
  }

  #find(keyspace: string, key: string): KeyView {
    const bytes = Buffer.from(key);
    const stored = this.#keys(keyspace).get(key);
    const replicas = this.#replicas(keyspace, key);
    return {
      keyspace,
      key,
      slot: slotOf(bytes),
      partition: partitionOf(addressOf(0, bytes).tokenHigh),
      context: contextOf(stored),
      siblings: stored?.siblings ?? [],
      replicas,
      partial: replicas.some((replica) => replica.state === 'unreachable'),
    };
  }

  #replicas(keyspace: string, key: string): ReplicaView[] {
    const layout = this.#layout();
    const { factors } = keyspaceNamed(layout, keyspace);
    const partition = partitionOf(addressOf(0, Buffer.from(key)).tokenHigh);
    const list = placementOf(layout.rings, layout.nodes, (dataCenter) => factors[dataCenter] ?? 0)[partition];
    const stored = this.#keys(keyspace).get(key);
    return list.map((nodeId, index): ReplicaView => {
      const node = layout.nodes.find((candidate) => candidate.id === nodeId)!;
      const up = this.#isUp(nodeId);
      const siblingCount = stored?.siblings.length ?? 0;
      const conflict = siblingCount > 1 && index < 2;
      return {
        node: node.name,
        dataCenter: node.dataCenter,
        state: !up ? 'unreachable' : stored === undefined ? 'absent' : 'holds',
        relation: conflict
          ? 'sibling'
          : siblingCount > 1 || (index === 2 && key === 'order:8801')
            ? 'ancestor'
            : 'equal',
        siblingCount: up && stored !== undefined ? (conflict ? 1 : siblingCount) : 0,
        tombstone: stored?.deleted ?? false,
        context: contextOf(stored),
      };
    });
  }

  #list({ keyspace, cursor, match, countMax }: Input): { keys: string[]; cursor: string } {
    const pattern = new RegExp(
      `^${match
        .replace(/[.+^${}()|\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
      's',
    );
    const all = [...this.#keys(keyspace)].filter(([key, stored]) => !stored.deleted && pattern.test(key));
    const from = Number(cursor);
    const next = from + countMax;
    return {
      keys: all.slice(from, next).map(([key]) => key),
      cursor: next < all.length ? String(next) : '0',
    };
  }
}
