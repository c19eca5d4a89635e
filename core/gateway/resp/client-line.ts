/** One client as a line of CLIENT LIST and CLIENT INFO, with Redis's names for what Redis has. */
import type { ClientControl } from './request.ts';

export interface ClientFacts {
  readonly localAddress: string;
  readonly ageMs: number;
  readonly idleMs: number;
  readonly database: number;
  readonly protocol: number;
  /** Input that is not parsed, words of commands under way, replies not taken; all that is held. */
  readonly queryBytes: number;
  readonly commandBytes: number;
  readonly unreadBytes: number;
  readonly heldBytes: number;
  readonly pieceCount: number;
  readonly commandName: string;
}

export function clientLine(client: ClientControl, facts: ClientFacts): string {
  const { subscriptions } = client;
  const { isOpen, queued, queuedBytes, watched } = client.transaction;
  const queuedCount = isOpen ? queued.length : -1;
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  return (
    `id=${client.id} addr=${client.remoteAddress} laddr=${facts.localAddress} ` +
    `fd=${client.id} name=${client.name} age=${seconds(facts.ageMs)} idle=${seconds(facts.idleMs)} flags=${flagsOf(client)} ` +
    `db=${facts.database} sub=${subscriptions.countOf('channel')} psub=${subscriptions.countOf('pattern')} ssub=${subscriptions.countOf('shard')} multi=${queuedCount} watch=${watched.length} qbuf=${facts.queryBytes} qbuf-free=0 ` +
    `argv-mem=${facts.commandBytes} multi-mem=${queuedBytes} rbs=0 rbp=0 obl=0 oll=${facts.pieceCount} ` +
    `omem=${facts.unreadBytes} tot-mem=${facts.heldBytes} events=r ` +
    `cmd=${facts.commandName} user=${client.identity.user || '(none)'} redir=-1 resp=${facts.protocol} ` +
    `lib-name=${client.libraryName} lib-ver=${client.libraryVersion}`
  );
}

/** H is ours: the host. */
function flagsOf({ identity, noEvict, subscriptions }: ClientControl): string {
  if (identity.isHost) return 'H';
  if (subscriptions.isListening) return 'P';
  return noEvict ? 'e' : 'N';
}
