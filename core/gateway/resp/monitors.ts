/**
 * MONITOR: clients that are shown every command as it begins. Only those who may do everything may watch, for what is shown is other
 * people's data; it is asked again with each command, because rights change. What administers is not shown, nor how anybody logs in.
 */
import type { Command } from './command.ts';
import type { ClientControl, Request } from './request.ts';
import { shownWords } from './shown-words.ts';

const hidden = new Set(['auth', 'hello', 'ct.host', 'post', 'host:']);
const escapes: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

/** As Redis writes bytes into a line. */
function quoted(word: Buffer): string {
  let text = '"';
  for (const byte of word) {
    if (escapes[byte] !== undefined) text += escapes[byte];
    else if (byte < 0x20 || byte > 0x7e) text += `\\x${byte.toString(16).padStart(2, '0')}`;
    else text += String.fromCharCode(byte);
  }
  return `${text}"`;
}

function isShown({ name, flags }: Command): boolean {
  return !flags.includes('admin') && !hidden.has(name);
}

export class Monitors {
  private readonly clients = new Set<ClientControl>();

  add(client: ClientControl): void {
    this.clients.add(client);
  }

  remove(client: ClientControl): void {
    this.clients.delete(client);
  }

  /** Called as a client's command begins; costs one look while nobody watches. */
  show(request: Request, nowMs: number): void {
    if (this.clients.size === 0 || !isShown(request.command!)) return;
    const { argv, session } = request;
    const words = shownWords(request.command!, argv).map(quoted).join(' ');
    const seconds = (Math.floor(nowMs * 1000) / 1_000_000).toFixed(6);
    const { remoteAddress } = request.sink.client!;
    const line = Buffer.from(`+${seconds} [${session.database} ${remoteAddress}] ${words}\r\n`, 'latin1');
    for (const client of this.clients) {
      if (client.isGone || client.identity.isLimited) this.clients.delete(client);
      else client.tell(line);
    }
  }
}
