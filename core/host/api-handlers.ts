/**
 * ClusterApi, implemented: one handler for each method of the contract. What a handler sees has been checked (dispatch.ts).
 */
import type { z } from 'zod';
import { contentTypeOf } from '../base/content-type.ts';
import { CoterieError } from '../base/errors.ts';
import { addressOf, partitionOf, slotOf } from '../base/token.ts';
import type { MethodName, MethodOutput, methods } from '../contract/api.ts';
import type { ActivityKind, ValueView } from '../contract/views.ts';
import {
  alterKeyspace,
  createKeyspace,
  defaultFactors,
  defaultKeyspace,
  dropKeyspace,
  type KeyspaceSettings,
  type Layout,
  nextLayout,
} from '../layout/layout.ts';
import type { Log } from '../ports/log.ts';
import type { SecretFiles } from '../security/secret-files.ts';
import { wallTimeMs } from '../versions/hybrid-clock.ts';
import type { AccessService } from './access/access-service.ts';
import type { Admission } from './access/admission.ts';
import { accessHandlers } from './access-handlers.ts';
import type { AuditTrail } from './audit-trail.ts';
import { type Caller, whoOf } from './caller.ts';
import type { ClockWatch } from './checkup/clock-watch.ts';
import { computerHandlers } from './computer-handlers.ts';
import type { ClientNetwork } from './computers/client-network.ts';
import type { Lan } from './computers/open-lan.ts';
import type { DataAccess, DetailedValue } from './data-access.ts';
import type { HostSettings } from './host-settings.ts';
import { layoutHandlers } from './layout-handlers.ts';
import type { LayoutService } from './layouts/layout-service.ts';
import type { Staging } from './layouts/staging.ts';
import { nodeHandlers } from './node-handlers.ts';
import type { LocalNodes } from './nodes/local-nodes.ts';
import { repairHandlers } from './repair-handlers.ts';
import type { Repairs } from './repairs/repairs.ts';
import type { ClusterView } from './view/cluster-view.ts';
import { consequencesOf } from './view/keyspace-consequences.ts';
import { switchOff } from './view/switch-off.ts';

/** What the handlers work with. */
export interface HostActions {
  readonly readOnly: boolean;
  readonly log: Log;
  /** Why the computer at which somebody asks may not do that; null: it may. */
  readonly mayNot: (method: MethodName, caller: Caller) => string | null;
  nowMs(): number;
  readonly data: DataAccess;
  readonly view: ClusterView;
  readonly layouts: LayoutService;
  readonly staging: Staging;
  readonly nodes: LocalNodes;
  /** Ids of the computers that this host runs. */
  readonly ownComputers: ReadonlySet<string>;
  /** Its keys, on the disk. */
  readonly files: SecretFiles;
  readonly repairs: Repairs;
  readonly access: AccessService;
  readonly admission: Admission;
  readonly trail: AuditTrail;
  readonly clock: ClockWatch;
  /** Null: other computers cannot connect to this one. */
  readonly lan: Lan | null;
  readonly settings: Pick<HostSettings, 'listen' | 'clientsOpen' | 'clientInterfaces'>;
  /** Null: programs on other computers may not reach the data here. */
  readonly network: ClientNetwork | null;
  /** Who may connect from other computers from now on: this host is stopped, and another one takes its place. */
  choose(choice: {
    readonly listens?: boolean;
    readonly clientsOpen?: boolean;
    readonly clientInterfaces?: readonly string[] | null;
  }): Promise<void>;
}

export type Handlers = {
  [M in MethodName]: (
    input: z.output<(typeof methods)[M]['input']>,
    caller: Caller,
  ) => Promise<MethodOutput<M>>;
};

/** Something that a person did. */
export type NotePerson = (
  caller: Caller,
  kind: ActivityKind,
  subject: string,
  message: string,
  severity?: 'info' | 'warning',
) => void;

const valueBytesShown = 256 * 1024;

function valueViewOf({ value, timestamp, expiresAtMs, contentType }: DetailedValue): ValueView {
  const shown = value.subarray(0, valueBytesShown);
  const text = shown.toString('utf8');
  // Only bytes that survive the way there and back may be edited as text.
  const isText = !value.includes(0) && Buffer.from(text).equals(shown);
  return {
    text: isText ? text : shown.toString('base64'),
    encoding: isText ? 'utf8' : 'base64',
    byteCount: value.length,
    truncated: shown.length < value.length,
    expiresAtMs,
    writtenAtMs: wallTimeMs(timestamp),
    contentType,
  };
}

function factorsOf(
  layout: Layout,
  factors: number | Record<string, number> | undefined,
  fallback: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  if (factors === undefined) return fallback;
  if (typeof factors !== 'number') return factors;
  return Object.fromEntries(layout.dataCenters.map((dataCenter) => [dataCenter, factors]));
}

/** Only the fields that the caller named. */
function definedOf<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

export function createHandlers(host: HostActions): Handlers {
  const byPerson: NotePerson = (caller, kind, subject, message, severity = 'info') =>
    host.trail.note({ kind, subject, message, who: whoOf(caller), severity });

  return {
    ...computerHandlers(host),

    'cluster.snapshot': async () => host.view.snapshot(),
    'cluster.rename': async ({ name }, caller) => {
      await host.layouts.change((layout, digest) => nextLayout(layout, digest, { clusterName: name }));
      byPerson(caller, 'cluster', name, `The cluster is now called ${name}.`);
      return {};
    },

    'cluster.without': async (question) =>
      switchOff(
        host.layouts.live.map(({ layout }) => layout),
        question,
        {
          isUp: (nodeId) => host.view.isUp(nodeId),
          lostPartitionsOf: (nodeId) => host.view.lostPartitionsOf(nodeId),
        },
      ),

    ...nodeHandlers(host, byPerson),

    'keyspaces.create': async ({ name, factors, ...rest }, caller) => {
      const layout = host.layouts.present;
      const settings: KeyspaceSettings = {
        ...defaultKeyspace,
        ...definedOf(rest),
        name,
        factors: factorsOf(layout, factors, defaultFactors(layout.dataCenters)),
        createdAtMs: host.nowMs(),
      };
      await host.layouts.change((current, digest) => createKeyspace(current, digest, settings));
      byPerson(caller, 'keyspace', name, `The keyspace ${name} was created.`);
      return host.view.keyspace(name);
    },
    'keyspaces.alter': async ({ name, factors, ...rest }, caller) => {
      await host.layouts.change((layout, digest) => {
        const changes: Partial<Omit<KeyspaceSettings, 'name'>> = definedOf(rest);
        if (factors === undefined) return alterKeyspace(layout, digest, name, changes);
        return alterKeyspace(layout, digest, name, { ...changes, factors: factorsOf(layout, factors, {}) });
      });
      byPerson(caller, 'keyspace', name, `The keyspace ${name} was changed.`);
      return host.view.keyspace(name);
    },
    'keyspaces.preview': async (draft) => consequencesOf(host.layouts.present, draft),
    'keyspaces.drop': async ({ name, confirm }, caller) => {
      if (confirm !== name) {
        throw new CoterieError('bad-input', `To drop the keyspace and its data, repeat its name: ${name}.`);
      }
      await host.layouts.change((layout, digest) => dropKeyspace(layout, digest, name));
      byPerson(caller, 'keyspace', name, `The keyspace ${name} was dropped with its data.`);
      return {};
    },

    ...layoutHandlers(host, byPerson),

    'data.find': async ({ keyspace, key, level }) => {
      const bytes = Buffer.from(key);
      const [read, replicas] = await Promise.all([
        host.admission.ownReads.run(
          { keyspace, key: bytes },
          null,
          () => host.data.getDetailed(keyspace, bytes, level),
          (found) => found.values.reduce((sum, { value }) => sum + value.length, 0),
        ),
        host.data.replicas(keyspace, bytes),
      ]);
      const { tokenHigh } = addressOf(0, bytes);
      return {
        keyspace,
        key,
        slot: slotOf(bytes),
        partition: partitionOf(tokenHigh),
        context: read.context,
        siblings: read.values.map(valueViewOf),
        replicas,
        partial: replicas.some((replica) => replica.state === 'unreachable'),
      };
    },
    'data.put': async ({ keyspace, key, value, encoding, contentType, ...write }, caller) => {
      const { context } = await host.data.put(keyspace, Buffer.from(key), {
        value: Buffer.from(value, encoding),
        ...write,
        ...definedOf({ contentType: contentTypeOf(contentType ?? '') }),
      });
      byPerson(caller, 'data', keyspace, 'A key was written.');
      return { context };
    },
    'data.delete': async ({ keyspace, key, context, level }, caller) => {
      const deleted = await host.data.delete(keyspace, Buffer.from(key), { context, level });
      byPerson(caller, 'data', keyspace, 'A key was deleted.');
      return { context: deleted.context };
    },
    'data.replicas': ({ keyspace, key }) => host.data.replicas(keyspace, Buffer.from(key)),
    'data.list': async ({ keyspace, cursor, match, countMax }) => {
      const page = await host.data.list(keyspace, cursor, match, countMax);
      return { keys: page.keys.map((key) => key.toString()), cursor: page.cursor };
    },

    ...repairHandlers(host),

    ...accessHandlers(host, byPerson),

    'sessions.list': async (_, { sessionId }) => host.admission.login.list(sessionId),
    'sessions.end': async ({ id }, caller) => ({ ended: host.admission.endSessions(id, whoOf(caller)) }),

    'activity.list': ({ beforeMs, kinds, countMax }) => host.trail.page(beforeMs ?? null, kinds, countMax),
  };
}
