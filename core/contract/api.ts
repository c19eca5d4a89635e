/**
 * ClusterApi: the one contract through which the user interface, the command line and (later) other computers act on a
 * cluster. Each method is a name, a schema of its input, a schema of its output, and whether it changes something. The
 * host implements it; every way in (Electron's IPC, WebSocket, control port) carries exactly this.
 */
import { z } from 'zod';
import { accessMethods } from './access-methods.ts';
import { computerMethods } from './computer-methods.ts';
import {
  layoutChange,
  layoutEntry,
  layoutPreview,
  layoutSettings,
  layoutStaged,
  layoutView,
} from './layout-views.ts';
import { clusterName, name } from './names.ts';
import { acceptedLoss, nodeView } from './node-views.ts';
import {
  repairJob,
  repairRequest,
  repairSchedule,
  repairScheduleSettings,
  repairsView,
} from './repair-views.ts';
import { switchOffAnswer, switchOffQuestion } from './switch-off.ts';
import {
  activityEntry,
  activityKind,
  advice,
  clusterView,
  conflictPolicy,
  durability,
  keyspaceConsequences,
  keyspaceView,
  keyView,
  level,
  replicaView,
  ringView,
  sessionView,
  snapshot,
} from './views.ts';

const nodeInput = z.object({ name });
const nothing = z.object({});
/** The whole id, or the beginning of it that is unique. */
const repairInput = z.object({ id: z.string().min(4).max(64) });

export const keyText = z.string().min(1).max(65_536);

export const keyspaceSettings = z.object({
  name,
  database: z.number().int().min(0).max(15).nullable(),
  /** Replicas per data center, or one number for every data center. */
  factors: z.union([z.number().int().min(1).max(7), z.record(z.string(), z.number().int().min(0).max(7))]),
  readLevel: level,
  writeLevel: level,
  conflicts: conflictPolicy,
  sloppy: z.boolean(),
  durability,
  defaultTimeToLiveMs: z.number().int().min(0),
  /** In Redis' letters (base/notifications.ts); empty: none. */
  notifications: z.string().max(16),
});
export type KeyspaceSettings = z.infer<typeof keyspaceSettings>;

/** The settings of a draft that decide what it promises and survives. No data center needs to hold a copy yet. */
export const keyspaceDraft = keyspaceSettings
  .pick({ readLevel: true, writeLevel: true, sloppy: true })
  .extend({ factors: z.record(z.string(), z.number().int().min(0).max(7)) });
export type KeyspaceDraft = z.infer<typeof keyspaceDraft>;

export const methods = {
  'cluster.snapshot': { input: nothing, output: snapshot, changes: false },
  'cluster.rename': {
    input: z.object({ name: clusterName }),
    output: nothing,
    changes: true,
  },

  /** Whether a node, a computer or a data center can be switched off now. */
  'cluster.without': { input: switchOffQuestion, output: switchOffAnswer, changes: false },

  'nodes.start': { input: nodeInput, output: nothing, changes: true },
  'nodes.stop': { input: nodeInput, output: nothing, changes: true },
  'nodes.restart': { input: nodeInput, output: nothing, changes: true },
  /** As if the power went: kill -9. The host restarts the node as after any crash. */
  'nodes.kill': { input: nodeInput, output: nothing, changes: true },
  'nodes.pause': { input: nodeInput, output: nothing, changes: true },
  'nodes.resume': { input: nodeInput, output: nothing, changes: true },
  /**
   * What may be lost at this node is told no more, and it no longer waits for nodes that are away. Cannot be undone; refused
   * while it still gets data from nodes that it reaches.
   */
  'nodes.acceptLoss': { input: nodeInput, output: acceptedLoss, changes: true },

  'keyspaces.create': {
    input: keyspaceSettings.partial().required({ name: true }),
    output: keyspaceView,
    changes: true,
  },
  'keyspaces.alter': {
    input: keyspaceSettings.partial().required({ name: true }),
    output: keyspaceView,
    changes: true,
  },
  /** What a keyspace with these settings would promise and survive in the cluster as it is. */
  'keyspaces.preview': { input: keyspaceDraft, output: keyspaceConsequences, changes: false },
  /** `confirm` repeats the keyspace's name. Its data is gone afterwards. */
  'keyspaces.drop': { input: z.object({ name, confirm: z.string() }), output: nothing, changes: true },

  'layout.show': { input: nothing, output: layoutView, changes: false },
  /**
   * Adds changes to those that are staged; nothing happens yet, unless nodes join by themselves and nothing else is staged than new
   * ones. All of the changes or, where one cannot be made, none.
   */
  'layout.stage': {
    input: z.object({ changes: z.array(layoutChange).min(1).max(32) }),
    output: layoutStaged,
    changes: true,
  },
  /** How the cluster changes, for all of its computers. */
  'layout.settings': { input: layoutSettings, output: nothing, changes: true },
  'layout.unstage': { input: nothing, output: nothing, changes: true },
  'layout.preview': { input: nothing, output: layoutPreview, changes: false },
  /** Carries out what is staged. Data moves from then on, while clients are served. */
  'layout.apply': { input: nothing, output: z.object({ version: z.number() }), changes: true },
  /** Takes back the last change of nodes: what has moved moves back. */
  'layout.revert': { input: nothing, output: z.object({ version: z.number() }), changes: true },
  'layout.history': { input: nothing, output: z.array(layoutEntry), changes: false },

  ...computerMethods,

  'data.find': {
    input: z.object({ keyspace: name, key: keyText, level: level.optional() }),
    output: keyView,
    changes: false,
  },
  'data.put': {
    input: z.object({
      keyspace: name,
      key: keyText,
      value: z.string(),
      encoding: z.enum(['utf8', 'base64']).default('utf8'),
      /** Of the read that this write answers; absent: a blind write. */
      context: z.string().optional(),
      /** As a plain Redis SET: supersedes whatever the coordinator holds. */
      plain: z.boolean().default(false),
      expiresInSeconds: z.number().int().min(1).optional(),
      contentType: z.string().optional(),
      level: level.optional(),
    }),
    output: z.object({ context: z.string() }),
    changes: true,
  },
  'data.delete': {
    input: z.object({
      keyspace: name,
      key: keyText,
      context: z.string().optional(),
      level: level.optional(),
    }),
    output: z.object({ context: z.string() }),
    changes: true,
  },
  'data.replicas': {
    input: z.object({ keyspace: name, key: keyText }),
    output: z.array(replicaView),
    changes: false,
  },
  'data.list': {
    input: z.object({
      keyspace: name,
      /** '0' to begin. */
      cursor: z.string().default('0'),
      /** Pattern as in Redis KEYS. */
      match: z.string().max(1024).default('*'),
      countMax: z.number().int().min(1).max(1000).default(100),
    }),
    /** `cursor` '0': the end. */
    output: z.object({ keys: z.array(z.string()), cursor: z.string() }),
    changes: false,
  },

  'repairs.list': { input: nothing, output: repairsView, changes: false },
  'repairs.run': { input: repairRequest, output: repairJob, changes: true },
  'repairs.pause': { input: repairInput, output: nothing, changes: true },
  'repairs.resume': { input: repairInput, output: nothing, changes: true },
  'repairs.cancel': { input: repairInput, output: nothing, changes: true },
  /** Tries the failed segments of a repair again. */
  'repairs.retry': { input: repairInput, output: nothing, changes: true },
  'repairs.schedule': { input: repairScheduleSettings, output: repairSchedule, changes: true },
  'repairs.unschedule': { input: repairInput, output: nothing, changes: true },

  /** Who may use the data through Redis and HTTP. */
  ...accessMethods,

  /** Browsers that are logged in, newest first. */
  'sessions.list': { input: nothing, output: z.array(sessionView), changes: false },
  /** Logs out one of them, or all where none is named. Not a change of the cluster: read-only mode lets it be. */
  'sessions.end': {
    input: z.object({ id: z.string().min(4).max(64).optional() }),
    output: z.object({ ended: z.number() }),
    changes: false,
  },

  /** Older activity than the snapshot holds, newest first. */
  'activity.list': {
    input: z.object({
      beforeMs: z.number().optional(),
      kinds: z.array(activityKind).default([]),
      countMax: z.number().int().min(1).max(1000).default(200),
    }),
    output: z.array(activityEntry),
    changes: false,
  },
} as const;

export type MethodName = keyof typeof methods;
export type MethodInput<M extends MethodName> = z.input<(typeof methods)[M]['input']>;
export type MethodOutput<M extends MethodName> = z.output<(typeof methods)[M]['output']>;

/** A failed call: `code` is stable (core/base/errors.ts), `message` says what to do. */
export const apiError = z.object({ code: z.string(), message: z.string() });
export type ApiError = z.infer<typeof apiError>;

/**
 * The event stream: a snapshot first, then changes that replace parts of it. `sequence` grows by one; a gap means that the
 * client must subscribe again. Node figures arrive as `node` changes about once a second.
 */
export const clusterEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), sequence: z.number(), snapshot }),
  z.object({ type: z.literal('cluster'), sequence: z.number(), cluster: clusterView }),
  z.object({ type: z.literal('node'), sequence: z.number(), node: nodeView }),
  z.object({ type: z.literal('keyspaces'), sequence: z.number(), keyspaces: z.array(keyspaceView) }),
  z.object({ type: z.literal('rings'), sequence: z.number(), rings: z.array(ringView) }),
  z.object({ type: z.literal('advice'), sequence: z.number(), advice: z.array(advice) }),
  z.object({ type: z.literal('activity'), sequence: z.number(), entry: activityEntry }),
  z.object({ type: z.literal('repairs'), sequence: z.number(), repairs: repairsView }),
  z.object({ type: z.literal('layout'), sequence: z.number(), layout: layoutView }),
]);
export type ClusterEvent = z.infer<typeof clusterEvent>;

export interface ClusterApi {
  /** Rejects with an error that carries `code` and `message`. */
  call<M extends MethodName>(method: M, input: MethodInput<M>): Promise<MethodOutput<M>>;
  /** Returns the function that ends the subscription. */
  subscribe(listener: (event: ClusterEvent) => void): () => void;
}

/** Frames over WebSocket, both ways, as JSON. Electron's bridge carries the same pieces. */
export type ClientFrame =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly input: unknown }
  | { readonly kind: 'subscribe' };
export type ServerFrame =
  | { readonly kind: 'result'; readonly id: number; readonly output: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly error: ApiError }
  | { readonly kind: 'event'; readonly event: ClusterEvent };

/** What the preload script exposes to the page as `window.coterie`. */
export interface DesktopBridge {
  invoke(method: string, input: unknown): Promise<{ output: unknown } | { error: ApiError }>;
  subscribe(listener: (event: ClusterEvent) => void): () => void;
}
