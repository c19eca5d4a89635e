/** Who asks for something of ClusterApi. */
export interface Caller {
  /** Of a page; null: the owner of the data folder. */
  readonly sessionId: string | null;
  /** In words, for what people read later: "Firefox on Linux". */
  readonly name: string;
  /** The other computer at which it was asked for, by name; absent: it is this one. */
  readonly from?: string;
}

/** For what people read later: "anna at Front desk". Whoever asks at this computer has no need of its name. */
export function whoOf({ name, from }: Caller): string {
  return from === undefined ? name : `${name} at ${from}`;
}
