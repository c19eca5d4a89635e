/**
 * What all computers of a cluster hold in common, the secret and the authority, is replaced from time to time, and whenever somebody
 * who knows it is no longer let in. Each replacement is an epoch. It is made at one computer and handed from computer to computer;
 * where two were made at once, all of them take the same one. For a while the one before counts as well, because the others
 * hear of it a little later.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { SecretSet } from './secrets.ts';
import { signer } from './trust-store.ts';

export const keyEpoch = z.object({
  /** Rises by one; 0: with what the cluster began. */
  number: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  /** 32 bytes in hexadecimal. */
  secret: z.string().regex(/^[0-9a-f]{64}$/),
  authority: signer,
  madeAtMs: z.number(),
});
export type KeyEpoch = Readonly<z.infer<typeof keyEpoch>>;

/** Names an epoch without telling anything of it. */
export const epochMark = z.object({
  number: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  digest: z.string().max(64),
});
export type EpochMark = Readonly<z.infer<typeof epochMark>>;

export interface HeldKeys {
  readonly current: KeyEpoch;
  readonly previous: KeyEpoch | null;
  /** Keys of computers that were let in since the current epoch began: who may know it. Sorted. */
  readonly knownTo: readonly string[];
}

/**
 * How far this computer is with the current epoch: it takes what others make with it, it makes with it, and it takes nothing of the
 * one before any more.
 */
export type EpochPhase = 'taken' | 'used' | 'alone';

export function markOf({ number, secret, authority }: KeyEpoch): EpochMark {
  const digest = createHash('sha256')
    .update(`coterie epoch ${number} ${secret} `)
    .update(authority.certificate);
  return { number, digest: digest.digest('hex') };
}

export function isLaterEpoch(one: EpochMark, than: EpochMark): boolean {
  return one.number > than.number || (one.number === than.number && one.digest > than.digest);
}

export function firstKeys(secret: Buffer, authority: KeyEpoch['authority'], nowMs: number): HeldKeys {
  const current = { number: 0, secret: secret.toString('hex'), authority, madeAtMs: nowMs };
  return { current, previous: null, knownTo: [] };
}

/**
 * With an epoch that another computer made. `knownTo`: as that one has it. `phase`: of the epoch of before. One that was only taken was
 * used by nobody here, and maybe by nobody anywhere: what is used stays the one before it. Null: it is not later.
 */
export function withEpoch(
  held: HeldKeys,
  next: KeyEpoch,
  knownTo: readonly string[],
  phase: EpochPhase,
): HeldKeys | null {
  if (!isLaterEpoch(markOf(next), markOf(held.current))) return null;
  const previous = phase === 'taken' ? held.previous : held.current;
  return { current: next, previous, knownTo: [...new Set(knownTo)].sort() };
}

/** `letIn`: keys by all layouts that count. The same object where nothing is new. */
export function withKnown(held: HeldKeys, letIn: Iterable<string>): HeldKeys {
  const knownTo = new Set([...held.knownTo, ...letIn]);
  return knownTo.size === held.knownTo.length ? held : { ...held, knownTo: [...knownTo].sort() };
}

/** Who knows the current epoch and is not let in any more: because of them another is due. */
export function strangersTo({ knownTo }: HeldKeys, letIn: ReadonlySet<string>): string[] {
  return knownTo.filter((key) => !letIn.has(key));
}

/** `authority` null: it stays. */
export function nextEpoch(
  held: HeldKeys,
  made: { secret: Buffer; authority: KeyEpoch['authority'] | null; letIn: Iterable<string> },
  nowMs: number,
): HeldKeys {
  const { current } = held;
  const next = {
    number: current.number + 1,
    secret: made.secret.toString('hex'),
    authority: made.authority ?? current.authority,
    madeAtMs: nowMs,
  };
  return { current: next, previous: current, knownTo: [...made.letIn].sort() };
}

/** What a process makes and takes. */
export function secretsIn({ current, previous }: HeldKeys, phase: EpochPhase): SecretSet {
  const before = previous?.secret ?? current.secret;
  const kept = before === current.secret ? [] : [before];
  if (phase === 'taken')
    return { use: before, accepted: kept.length === 0 ? [] : [current.secret], kept: [] };
  return { use: current.secret, accepted: phase === 'used' ? kept : [], kept };
}
