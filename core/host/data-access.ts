/**
 * Keys and values for the interface, the command line and HTTP, through the Redis listeners of this host's nodes. Any
 * node can serve any key; the first that is up and answers is used.
 */
import { CoterieError } from '../base/errors.ts';
import type { ConsistencyLevel } from '../base/levels.ts';
import type {
  RemoteChange,
  RemoteDelete,
  RemoteRead,
  RemoteReplica,
  RemoteStore,
  RemoteWrite,
} from '../ports/remote-store.ts';
import type { RespReply } from '../wire/resp/reply-parser.ts';
import { NodeClient, type NodeClientComponents, type NodePlace, NotSent } from './node-client.ts';

export interface DetailedValue {
  readonly value: Buffer;
  /** Hybrid clock reading. */
  readonly timestamp: number;
  readonly expiresAtMs: number;
  /** '': it says nothing beyond bytes. */
  readonly contentType: string;
}

interface KeyspaceName {
  readonly name: string;
  readonly id: number;
}

interface PooledClient {
  readonly client: NodeClient;
  readonly keyspace: KeyspaceName;
}

/** A new layout reaches the nodes within milliseconds; this is a second. */
const unknownKeyspaceTriesMax = 20;
const unknownKeyspaceWaitMs = 50;

/** Nodes that take clients now, in the order in which to try them. */
export type ReachableNodes = () => readonly NodePlace[];

export class DataAccess implements RemoteStore {
  readonly #components: NodeClientComponents;
  readonly #nodes: ReachableNodes;
  readonly #keyspaceId: (name: string) => number | null;
  /**
   * One client per node and keyspace, for a connection remembers its keyspace. By the keyspace's number: one that was made
   * anew under an old name is another.
   */
  readonly #clients = new Map<string, PooledClient>();

  constructor(
    components: NodeClientComponents,
    nodes: ReachableNodes,
    keyspaceId: (name: string) => number | null,
  ) {
    this.#components = components;
    this.#nodes = nodes;
    this.#keyspaceId = keyspaceId;
  }

  async get(keyspace: string, key: Buffer, level?: ConsistencyLevel): Promise<RemoteRead> {
    const { context, values } = await this.getDetailed(keyspace, key, level);
    return {
      context,
      values: values.map(({ value }) => value),
      contentTypes: values.map(({ contentType }) => contentType),
    };
  }

  async getDetailed(
    keyspace: string,
    key: Buffer,
    level?: ConsistencyLevel,
  ): Promise<{ context: string; values: DetailedValue[] }> {
    const words = ['CT.GET', key, ...levelWords(level), 'DETAILS'];
    const [context, siblings] = (await this.#run(keyspace, words)) as [Buffer, RespReply[][]];
    return {
      context: context.toString(),
      values: siblings.map(([value, timestamp, expiresAtMs, contentType]) => ({
        value: value as Buffer,
        timestamp: Number(timestamp),
        expiresAtMs: Number(expiresAtMs),
        contentType: textOf(contentType ?? null),
      })),
    };
  }

  async put(keyspace: string, key: Buffer, write: RemoteWrite): Promise<RemoteChange> {
    const { value, level, expiresInSeconds, contentType } = write;
    const expiry = expiresInSeconds === undefined ? [] : ['EX', String(expiresInSeconds)];
    const type = contentType === undefined ? [] : ['TYPE', contentType];
    const words = ['CT.PUT', key, value, ...basisWords(write), ...levelWords(level), ...expiry, ...type];
    return changeOf(await this.#run(keyspace, words));
  }

  async delete(keyspace: string, key: Buffer, options: RemoteDelete): Promise<RemoteChange> {
    let { context } = options;
    const { condition, level } = options;
    if (condition === undefined && context === undefined) {
      ({ context } = await this.getDetailed(keyspace, key, level));
      if (context === '') return { written: false, context, found: 0 };
    }
    const words = ['CT.DEL', key, ...basisWords({ condition, context }), ...levelWords(level)];
    return changeOf(await this.#run(keyspace, words));
  }

  async replicas(keyspace: string, key: Buffer): Promise<RemoteReplica[]> {
    const rows = (await this.#run(keyspace, ['CT.REPLICAS', key])) as RespReply[][];
    return rows.map((row) => {
      const facts = new Map<string, RespReply>();
      for (let index = 0; index < row.length; index += 2) facts.set(textOf(row[index]), row[index + 1]);
      return {
        node: textOf(facts.get('name') ?? null),
        dataCenter: textOf(facts.get('data-center') ?? null),
        state: textOf(facts.get('state') ?? null) as RemoteReplica['state'],
        relation: textOf(facts.get('relation') ?? null) as RemoteReplica['relation'],
        siblingCount: Number(facts.get('siblings') ?? 0),
        tombstone: Number(facts.get('tombstone') ?? 0) === 1,
        context: textOf(facts.get('context') ?? null),
      };
    });
  }

  async list(
    keyspace: string,
    cursor: string,
    match: string,
    countMax: number,
  ): Promise<{ keys: Buffer[]; cursor: string }> {
    const words = ['SCAN', cursor, 'MATCH', match, 'COUNT', String(countMax)];
    const [next, keys] = (await this.#run(keyspace, words)) as [Buffer, Buffer[]];
    return { keys, cursor: textOf(next) };
  }

  close(): void {
    for (const { client } of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #run(keyspace: string, words: readonly (string | Buffer)[]): Promise<RespReply> {
    for (let tries = 1; ; tries++) {
      const id = this.#keyspaceId(keyspace);
      if (id === null) throw new CoterieError('not-found', `There is no keyspace "${keyspace}".`);
      try {
        return await this.#runOnce({ name: keyspace, id }, words);
      } catch (error) {
        // No node knows the keyspace yet: it has only just been made, and nothing was run.
        if (!hasCode(error, 'not-ready') || tries >= unknownKeyspaceTriesMax) throw error;
        await new Promise((resolve) => setTimeout(resolve, unknownKeyspaceWaitMs));
      }
    }
  }

  /**
   * What was not sent goes to the next node; so do reads, and deletes with a context. Any other write that got no answer may not: it
   * would stand beside itself, or replace what came after it, or find that its own condition does not hold any more.
   */
  async #runOnce(keyspace: KeyspaceName, words: readonly (string | Buffer)[]): Promise<RespReply> {
    const repeatable = words[0] !== 'CT.PUT' && (words[0] !== 'CT.DEL' || words[2] === 'CONTEXT');
    let failure: unknown = new CoterieError(
      'unavailable',
      'No node takes clients now. Start one and try again.',
    );
    for (const node of this.#nodes()) {
      try {
        return await this.#client(keyspace, node).command(words);
      } catch (error) {
        failure = error;
        if (error instanceof NotSent || (hasCode(error, 'unavailable') && repeatable)) continue;
        throw error;
      }
    }
    throw failure;
  }

  #client(keyspace: KeyspaceName, node: NodePlace): NodeClient {
    const name = `${node.name}/${keyspace.id}`;
    const known = this.#clients.get(name);
    if (known !== undefined && known.client.port === node.port) return known.client;
    known?.client.close();
    this.#closeDropped();
    const greeting = ['CT.KEYSPACE', keyspace.name, 'ID', String(keyspace.id)];
    const client = new NodeClient(this.#components, node, greeting);
    this.#clients.set(name, { client, keyspace });
    return client;
  }

  /** Connections to keyspaces that are no more. */
  #closeDropped(): void {
    for (const [name, { client, keyspace }] of this.#clients) {
      if (this.#keyspaceId(keyspace.name) === keyspace.id) continue;
      client.close();
      this.#clients.delete(name);
    }
  }
}

const levelWords = (level?: ConsistencyLevel) => (level === undefined ? [] : ['CONSISTENCY', level]);

function basisWords({ condition, context, plain }: Pick<RemoteWrite, 'condition' | 'context' | 'plain'>) {
  if (condition === 'absent') return ['NX'];
  if (condition === 'present') return ['XX'];
  if (condition !== undefined) return ['IF', condition.context];
  if (plain === true) return ['PLAIN'];
  return context === undefined ? [] : ['CONTEXT', context];
}

/** Of a command with a condition [written, context, values found], of any other the context alone. */
function changeOf(reply: RespReply): RemoteChange {
  if (!Array.isArray(reply)) return { written: true, context: textOf(reply), found: 0 };
  const [written, context, found] = reply;
  return { written: Number(written) === 1, context: textOf(context), found: Number(found) };
}

function hasCode(error: unknown, code: CoterieError['code']): boolean {
  return error instanceof CoterieError && error.code === code;
}

function textOf(reply: RespReply): string {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return reply === null ? '' : String(reply);
}
