/**
 * The layout as a document on a disk: `{"format":1,"layout":{...}}`. Whatever is read is checked in full before it is used;
 * a document of a newer format is told from a damaged one, because only the first has a remedy that loses nothing.
 */
import { z } from 'zod';
import { CoterieError } from '../base/errors.ts';
import { conflictPolicies, consistencyLevels, durabilities, intensities } from '../base/levels.ts';
import { partitionCount } from '../base/token.ts';
import { type Layout, namePattern } from './layout.ts';

const layoutFormat = 1;

const text = z.string().min(1).max(255);
/** As checkName has it: whatever is shown, logged or made into a path. */
const name = z.string().regex(namePattern, 'this is not a usable name');
const nodeId = z.number().int().min(0).max(0xffff_ffff);
const count = z.number().int().min(0);

const layoutSchema = z
  .object({
    version: z.number().int().min(1),
    placed: z.number().int().min(1).optional(),
    placedKey: z.string().max(64).optional(),
    gone: z.array(nodeId).optional(),
    authorityEndsWith: z.array(z.string().max(128)).max(64).optional(),
    joinsByItself: z.boolean().optional(),
    transfer: z.enum(intensities).optional(),
    parent: z.string(),
    clusterId: text,
    clusterName: text,
    createdAtMs: z.number(),
    dataCenters: z.array(name).min(1),
    computers: z
      .array(
        z.object({
          ...{ id: text, name: text, dataCenter: name },
          ...{ key: z.string().max(128).optional(), nextKey: z.string().max(128).optional() },
          // Any word: one that is not known here is read as the least, and must not make the layout unreadable.
          role: z.string().max(64).optional(),
        }),
      )
      .min(1),
    nodes: z
      .array(z.object({ id: nodeId, name, computer: text, dataCenter: name, weight: z.number().positive() }))
      .min(1),
    keyspaces: z.array(
      z.object({
        id: count,
        name,
        placement: count.optional(),
        database: count.nullable(),
        factors: z.record(z.string(), count),
        readLevel: z.enum(consistencyLevels),
        writeLevel: z.enum(consistencyLevels),
        conflicts: z.enum(conflictPolicies),
        sloppy: z.boolean(),
        durability: z.enum(durabilities),
        defaultTimeToLiveMs: count,
        notifications: z.string().max(16).optional(),
      }),
    ),
    keyspaceIdNext: count,
    rings: z.array(z.object({ dataCenter: name, owners: z.array(nodeId).length(partitionCount) })),
  })
  .refine(({ nodes, rings }) => {
    const ids = new Set(nodes.map(({ id }) => id));
    return rings.every(({ owners }) => owners.every((owner) => ids.has(owner)));
  }, 'A ring names a node that is not there.')
  .refine(({ dataCenters, rings }) => {
    return dataCenters.every((name) => rings.some((ring) => ring.dataCenter === name));
  }, 'A data center has no ring.');

/** As JSON; `more`: what whoever keeps it adds. */
export function layoutDocument(layout: Layout, more: object = {}): object {
  return { format: layoutFormat, layout, ...more };
}

export function encodeLayout(layout: Layout): string {
  return JSON.stringify(layoutDocument(layout));
}

/** Throws `corrupt` with the cause, or `unsupported` when a newer version of Coterie wrote it. */
export function decodeLayout(bytes: string): Layout {
  let document: { format?: unknown; layout?: unknown } | null;
  try {
    document = JSON.parse(bytes);
  } catch {
    throw new CoterieError('corrupt', 'it is not readable as JSON');
  }
  const format = document?.format;
  if (typeof format === 'number' && format > layoutFormat) {
    throw new CoterieError('unsupported', 'was written by a newer version of Coterie');
  }
  // Before documents carried a format, the layout stood for itself.
  return checkedLayout(format === undefined ? document : document?.layout);
}

/** What was read as JSON without a document around it. Throws `corrupt` with the cause. */
export function checkedLayout(layout: unknown): Layout {
  const parsed = layoutSchema.safeParse(layout);
  // As it was written, not as the schema orders it: its digest is its name.
  if (parsed.success) return layout as Layout;
  const [{ path, message }] = parsed.error.issues;
  throw new CoterieError('corrupt', path.length === 0 ? message : `${path.join('.')}: ${message}`);
}
