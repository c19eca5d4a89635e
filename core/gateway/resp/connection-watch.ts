/** What is looked at about once a second of each connection: progress, idleness, and writes whose counts are final. */
import { type DeadlineSettings, UnfinishedCommandWatch, UnreadOutputWatch } from './deadlines.ts';
import type { NotedWrite, Session } from './session.ts';

/** No replica answers later than this (the deadline of requests is shorter): counts of acknowledgements are final then. */
const writesSettleMs = 5_000;

/**
 * A client that has left looks like one that sends no more and still reads, until something is written to it. So long may
 * a command run for one that says nothing more.
 */
const halfClosedMsMax = 5_000;

export interface ConnectionFacts {
  readonly isMidCommand: boolean;
  readonly commandCount: number;
  readonly receivedBytes: number;
  /** It sends no more, and is not answered yet. */
  readonly isHalfClosed: boolean;
  readonly unreadBytes: number;
  readonly takenBytes: number;
}

export class ConnectionWatch {
  private readonly unfinished: UnfinishedCommandWatch;
  private readonly unread: UnreadOutputWatch;
  private heardBytes = 0;
  /** When bytes last came, to the second. */
  heardMs: number;
  /** When it last sent or took something, while it is half closed. */
  private silentMs: number;
  private takenBytes = 0;
  private writes: readonly NotedWrite[] = [];
  private writesMs = 0;

  constructor(settings: DeadlineSettings, nowMs: number) {
    this.unfinished = new UnfinishedCommandWatch(settings);
    this.unread = new UnreadOutputWatch(settings);
    this.heardMs = nowMs;
    this.silentMs = nowMs;
  }

  /** Why the connection is to be closed; null while all is well. */
  look(nowMs: number, facts: ConnectionFacts): string | null {
    if (facts.receivedBytes !== this.heardBytes) {
      this.heardBytes = facts.receivedBytes;
      this.heardMs = nowMs;
    }
    if (!facts.isHalfClosed || facts.takenBytes !== this.takenBytes) this.silentMs = nowMs;
    this.takenBytes = facts.takenBytes;
    if (nowMs - this.silentMs >= halfClosedMsMax) return 'it has left before its command was done';
    if (this.unread.look(nowMs, facts)) return 'it has not read its replies for too long';
    return this.unfinished.look(nowMs, facts);
  }

  /** Whether nobody will acknowledge the session's last write any more. */
  writesAreFinal(nowMs: number, session: Session): boolean {
    if (session.lastWrites !== this.writes) {
      this.writes = session.lastWrites;
      this.writesMs = nowMs;
      return false;
    }
    return nowMs - this.writesMs > writesSettleMs;
  }
}
