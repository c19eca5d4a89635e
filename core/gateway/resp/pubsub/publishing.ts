/**
 * Publish and subscribe. A message goes to the listeners of this node and, over the links between nodes, to those of all others: at
 * most once, as in Redis; in the order in which one node's clients publish. Nothing is kept for who comes later.
 */
import type { Messages } from '../../../ports/messages.ts';
import { encodeCommand, encodePush, type RespProtocol } from '../../../wire/resp/encoder.ts';
import { RespRequestParser } from '../../../wire/resp/parser.ts';
import type { SharedTurns } from '../../shared-turns.ts';
import { CommandError } from '../errors.ts';
import { type ClientSubscriptions, type Kind, Listeners, type Subscriber } from './client-subscriptions.ts';

/** Names of channels: each is held against every pattern. */
export const channelBytesMax = 1_024;

/**
 * Steps of about a nanosecond that one message may cost at this node, held against all patterns of all clients: some twenty thousand plain
 * ones, and far fewer of those that are made to cost much. Beyond it, each message would hold up everybody else.
 */
const patternStepsMax = 20_000_000;

/** Steps that messages of other nodes may cost in one turn: a call brings thousands of them. The rest waits for turns of its own. */
const toldStepsPerTurn = 2_000_000;
/** What one costs beside being held against patterns. */
const stepsPerMessage = 1_000;
/** Of those that wait, with what each takes beside its bytes; beyond it they are dropped. */
const waitingBytesMax = 16 * 1_048_576;
const waitingOverheadBytes = 512;

/** What gateways tell each other beside messages: a key expires, or this has been told of. */
type Note = 'expires' | 'expired';
const notes: ReadonlySet<string> = new Set<Note>(['expires', 'expired']);

interface Told {
  readonly kind: 'channel' | 'shard';
  readonly channel: Buffer;
  readonly payload: Buffer;
}

type Listening = Subscriber & { readonly subscriptions: ClientSubscriptions };

const wordOf: Readonly<Record<'channel' | 'shard', Buffer>> = {
  channel: Buffer.from('message'),
  shard: Buffer.from('smessage'),
};
const patternWord = Buffer.from('pmessage');

export class Publishing {
  private readonly messages: Messages;
  private readonly listeners: Readonly<Record<Kind, Map<string, Listeners<Listening>>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };
  private readonly turns: Pick<SharedTurns, 'take'>;
  private patternSteps = 0;
  private stepsLeft = toldStepsPerTurn;
  private waiting: Told[] = [];
  private waitingBytes = 0;
  private isPlanned = false;
  private lateCount = 0;
  private noted: (note: Note, key: Buffer, facts: Buffer) => void = () => {};
  publishedCount = 0;
  deliveredCount = 0;

  constructor(messages: Messages, turns: Pick<SharedTurns, 'take'>) {
    this.messages = messages;
    this.turns = turns;
    messages.onTold((bytes) => {
      const parser = new RespRequestParser();
      parser.push(bytes);
      const words = parser.next();
      if (words?.length !== 3) return;
      const [kind, channel, payload] = words;
      const note = kind.toString('latin1') as Note;
      if (notes.has(note)) {
        this.noted(note, channel, payload);
        return;
      }
      this.told({ kind: kind.toString('latin1') === 'shard' ? 'shard' : 'channel', channel, payload });
    });
  }

  get droppedCount(): number {
    return this.messages.droppedCount + this.lateCount;
  }

  /** Returns how many clients of this node it was handed to. */
  publish(kind: 'channel' | 'shard', channel: Buffer, payload: Buffer): number {
    this.publishedCount++;
    this.messages.tellOthers(encodeCommand([kind, channel, payload]));
    return this.deliver(kind, channel, payload);
  }

  /** To the gateways of all other nodes, in order with what is published. */
  note(note: Note, key: Buffer, facts: Buffer): void {
    this.messages.tellOthers(encodeCommand([note, key, facts]));
  }

  /** There is one handler: the last. */
  onNote(handler: (note: Note, key: Buffer, facts: Buffer) => void): void {
    this.noted = handler;
  }

  /** `client` listens to one name more. Throws for a pattern that is none, and when there are too many. */
  subscribe(client: Listening, kind: Kind, name: Buffer): void {
    const text = name.toString('latin1');
    const found = this.listeners[kind].get(text);
    const known = found ?? new Listeners<Listening>(kind, name);
    const steps = found === undefined ? stepsOf(known) : 0;
    if (steps > 0 && this.patternSteps + steps > patternStepsMax) {
      throw new CommandError(
        'ERR the clients of this node listen to too many or too long patterns. Use fewer or shorter ones, or SUBSCRIBE',
      );
    }
    if (!client.subscriptions.add(kind, name, known.glob?.heldBytes ?? 0)) return;
    known.subscribers.add(client);
    this.listeners[kind].set(text, known);
    this.patternSteps += steps;
  }

  unsubscribe(client: Listening, kind: Kind, name: Buffer): void {
    if (!client.subscriptions.remove(kind, name)) return;
    const text = name.toString('latin1');
    const known = this.listeners[kind].get(text);
    if (known === undefined) return;
    known.subscribers.delete(client);
    if (known.subscribers.size > 0) return;
    this.listeners[kind].delete(text);
    this.patternSteps -= stepsOf(known);
  }

  leave(client: Listening): void {
    for (const kind of ['channel', 'pattern', 'shard'] as const) {
      for (const name of client.subscriptions.namesOf(kind)) this.unsubscribe(client, kind, name);
    }
  }

  /** Names that somebody of this node listens to. */
  namesOf(kind: Kind): Buffer[] {
    return [...this.listeners[kind].values()].map(({ name }) => name);
  }

  listenerCount(kind: Kind, name: Buffer): number {
    return this.listeners[kind].get(name.toString('latin1'))?.subscribers.size ?? 0;
  }

  /** At once while this turn has room for it; in any case behind those that wait. */
  private told(message: Told): void {
    if (this.waiting.length === 0 && this.stepsLeft > 0) this.hand(message);
    else {
      const bytes = bytesOf(message);
      if (this.waiting.length > 0 && this.waitingBytes + bytes > waitingBytesMax) {
        this.lateCount++;
        return;
      }
      this.waiting.push(message);
      this.waitingBytes += bytes;
    }
    this.plan();
  }

  private hand({ kind, channel, payload }: Told): void {
    this.stepsLeft -= stepsPerMessage + Math.ceil((this.patternSteps * channel.length) / channelBytesMax);
    this.deliver(kind, channel, payload);
  }

  private plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    this.turns.take(() => {
      this.isPlanned = false;
      this.stepsLeft = toldStepsPerTurn;
      let count = 0;
      while (count < this.waiting.length && this.stepsLeft > 0) {
        const message = this.waiting[count++];
        this.waitingBytes -= bytesOf(message);
        this.hand(message);
      }
      this.waiting.splice(0, count);
      if (count > 0) this.plan();
    });
  }

  private deliver(kind: 'channel' | 'shard', channel: Buffer, payload: Buffer): number {
    const named = this.listeners[kind].get(channel.toString('latin1'));
    let count = named === undefined ? 0 : handTo(named.subscribers, [wordOf[kind], channel, payload]);
    if (kind === 'channel') {
      for (const { glob, name, subscribers } of this.listeners.pattern.values()) {
        if (glob!.matches(channel)) count += handTo(subscribers, [patternWord, name, channel, payload]);
      }
    }
    this.deliveredCount += count;
    return count;
  }
}

function bytesOf({ channel, payload }: Told): number {
  return channel.length + payload.length + waitingOverheadBytes;
}

function stepsOf({ glob }: Listeners<Listening>): number {
  return glob?.costOf(channelBytesMax) ?? 0;
}

/** Encoded once for each protocol, however many listen. */
function handTo(subscribers: ReadonlySet<Listening>, words: readonly Buffer[]): number {
  const encoded: Record<RespProtocol, Buffer | null> = { 2: null, 3: null };
  let count = 0;
  // A copy: whoever is cut off leaves while this goes on.
  for (const subscriber of [...subscribers]) {
    const { protocol } = subscriber;
    if (!subscriber.mayHear) continue;
    count++;
    encoded[protocol] ??= protocol === 3 ? encodePush(words) : encodeCommand(words);
    subscriber.hear(encoded[protocol]);
  }
  return count;
}
