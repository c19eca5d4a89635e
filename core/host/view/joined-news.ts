/**
 * News of a node that comes and goes over and over (a bad cable, a laptop at the edge of the network) is joined: the first
 * few are told one by one, the rest of the window in one line at its end. So it cannot push everything else out of the
 * audit trail, which holds a bounded number of entries.
 */
import type { Cancellable, Timers } from '../../ports/clock.ts';
import type { News } from './membership-news.ts';

const windowMs = 10 * 60_000;
const minutes = windowMs / 60_000;
/** A failure and its return with all confirmations are about six. */
const oneByOneMax = 12;

interface Window {
  readonly timer: Cancellable;
  told: number;
  joined: number;
  last: News | null;
}

export class JoinedNews {
  readonly #timers: Timers;
  readonly #tell: (news: News) => void;
  /** By the node it is about: as many as there are nodes. */
  readonly #windows = new Map<string, Window>();

  constructor(components: { timers: Timers; tell: (news: News) => void }) {
    this.#timers = components.timers;
    this.#tell = components.tell;
  }

  tell(news: News): void {
    const window = this.#windows.get(news.subject) ?? this.#open(news.subject);
    if (window.told < oneByOneMax) {
      window.told++;
      this.#tell(news);
      return;
    }
    window.joined++;
    window.last = news;
  }

  close(): void {
    for (const { timer } of this.#windows.values()) timer.cancel();
  }

  #open(subject: string): Window {
    const timer = this.#timers.after(windowMs, () => this.#end(subject));
    const window: Window = { timer, told: 0, joined: 0, last: null };
    this.#windows.set(subject, window);
    return window;
  }

  #end(subject: string): void {
    const { joined, last } = this.#windows.get(subject)!;
    this.#windows.delete(subject);
    if (last === null) return;
    const times = `${joined.toLocaleString('en-US')} more ${joined === 1 ? 'time' : 'times'}`;
    const message = `${subject} came and went ${times} in the last ${minutes} minutes. The last of it: ${last.message}`;
    this.#tell({ subject, severity: 'warning', message });
    // What is still going on stays joined.
    this.#open(subject).told = oneByOneMax;
  }
}
