/** Who asks for something of ClusterApi. */
import { userInfo } from 'node:os';
import { plainLine } from '../base/plain-text.ts';
import type { ComputerRole } from '../base/roles.ts';

const accountLengthMax = 100;

export interface Caller {
  /** Of a page; null: the owner of the data folder. */
  readonly sessionId: string | null;
  /** In words, for what people read later: "Firefox on Linux". */
  readonly name: string;
  /** The other computer at which it was asked for, by name; absent: it is this one. */
  readonly from?: string;
  /** Of that other computer; absent: it is this one, whose role the layout tells. */
  readonly role?: ComputerRole;
}

/** Whoever holds the data folder, by the account that this program runs as: "anna (command line)". */
export function ownerBy(way: 'command line' | 'app window'): Caller {
  let account: string;
  try {
    account = plainLine(userInfo().username).slice(0, accountLengthMax);
  } catch {
    // An account without a name, as in some containers.
    account = 'the owner';
  }
  return { sessionId: null, name: `${account} (${way})` };
}

/** For what people read later: "anna (command line) at Front desk". Whoever asks at this computer has no need of its name. */
export function whoOf({ name, from }: Caller): string {
  return from === undefined ? name : `${name} at ${from}`;
}
