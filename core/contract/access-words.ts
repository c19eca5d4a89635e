/** What a user may do, in words: the same on every page, on the command line, in errors and in the log. */
import type { AccessLevel, Rights } from '../base/rights.ts';

/** Such as `may read and write`. */
export const accessWords: Readonly<Record<AccessLevel, string>> = {
  none: 'may do nothing',
  read: 'may read',
  write: 'may read and write',
  admin: 'may administer',
};

/** Such as `all keyspaces`. */
export function keyspacesInWords({ keyspaces }: Rights): string {
  if (keyspaces === null) return 'all keyspaces';
  return keyspaces.length === 0 ? 'no keyspace' : keyspaces.join(', ');
}

/** Such as `may read: orders, stock`. */
export function rightsInWords(rights: Rights): string {
  return `${accessWords[rights.access]}: ${keyspacesInWords(rights)}`;
}
