/** What a running host knows of its computer for `coterie doctor`; the rest is looked at where the command runs. */
import { z } from 'zod';
import { computerState } from './computer-views.ts';

export const usedPort = z.object({
  protocol: z.enum(['tcp', 'udp']),
  port: z.number(),
  /** In words. */
  use: z.string(),
  /** Programs of this computer alone; other computers of the cluster; everything on the local network. */
  reachedFrom: z.enum(['here', 'computers', 'network']),
});
export type UsedPort = z.infer<typeof usedPort>;

/** A computer that the wall clock was set at, or that slept. */
export const clockJump = z.object({ atMs: z.number(), byMs: z.number() });
export type ClockJump = z.infer<typeof clockJump>;

export const otherVersion = z.object({
  computer: z.string(),
  state: computerState,
  /** Null: it has told nothing since this host started. */
  version: z.string().nullable(),
  layoutVersion: z.number().nullable(),
  /** How far its clock is ahead of the one here, as far as the way between them lets that be known. */
  clockAheadMs: z.number().nullable(),
});
export type OtherVersion = z.infer<typeof otherVersion>;

export const checkup = z.object({
  version: z.string(),
  runtime: z.string(),
  /** Of the way between nodes: what this program speaks, and the oldest that it understands. */
  protocol: z.object({ newest: z.number(), oldest: z.number() }),
  /** Null: this computer is in no cluster. */
  layoutVersion: z.number().nullable(),
  /** The last one; null: none since the host started. */
  clockJump: clockJump.nullable(),
  ports: z.array(usedPort),
  others: z.array(otherVersion),
});
export type Checkup = z.infer<typeof checkup>;
