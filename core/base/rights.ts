/** What a user of the data may do: how much, and in which keyspaces. For those who keep it, ask it and show it. Pure. */

/** Ascending: each may do what those before it may. */
export const accessLevels = ['none', 'read', 'write', 'admin'] as const;
export type AccessLevel = (typeof accessLevels)[number];

export interface Rights {
  readonly access: AccessLevel;
  /**
   * By name, as people say it and addresses of HTTP do: a keyspace that is dropped and made anew under its name is the same one to
   * its users. Null: all that there are and will be.
   */
  readonly keyspaces: readonly string[] | null;
}

export const fullRights: Rights = { access: 'admin', keyspaces: null };
export const noRights: Rights = { access: 'none', keyspaces: [] };
/** What a new user has unless a person says otherwise. */
export const usualRights = { access: 'write', keyspaces: null } as const satisfies Rights;

export function reaches(access: AccessLevel, needed: AccessLevel): boolean {
  return accessLevels.indexOf(access) >= accessLevels.indexOf(needed);
}

export function mayUseKeyspace({ keyspaces }: Rights, name: string): boolean {
  return keyspaces === null || keyspaces.includes(name);
}
