/** What every snippet is made of. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a snippet is written for. */
export interface Target {
  readonly addresses: readonly Address[];
  /** Null: no login. The password is never in a snippet: it is read from `passwordVariable`. */
  readonly user: string | null;
  /** Checked against the file `authorityFile`. */
  readonly tls: boolean;
}

export const passwordVariable = 'COTERIE_PASSWORD';
export const authorityFile = 'coterie-ca.pem';
export function textOf({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The lines of a snippet; what is false is left out. */
export function linesOf(...lines: readonly (string | false | readonly string[])[]): string {
  return lines.flatMap((line) => (line === false ? [] : line)).join('\n');
}
