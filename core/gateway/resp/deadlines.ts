/**
 * Whether a client still makes progress: with a command that it has begun to send, and with the replies that wait for it.
 * Looked at about once a second, so nothing here costs anything per command or per byte.
 */

export interface DeadlineSettings {
  readonly unfinishedCommandTimeMsMax: number;
  readonly unfinishedCommandRateMin: number;
  readonly unreadOutputTimeMsMax: number;
}

export interface InputFacts {
  /** A command has begun and is not whole. False also while it is us who do not read. */
  readonly isMidCommand: boolean;
  /** Commands that were whole before it. */
  readonly commandCount: number;
  /** All bytes that have come over the connection. */
  readonly receivedBytes: number;
}

export class UnfinishedCommandWatch {
  private readonly settings: DeadlineSettings;
  private commandCount = -1;
  private beganMs = 0;
  private beganBytes = 0;
  private heardMs = 0;
  private heardBytes = 0;

  constructor(settings: DeadlineSettings) {
    this.settings = settings;
  }

  /** Why the command is given up; null while it may go on. */
  look(nowMs: number, facts: InputFacts): string | null {
    const { unfinishedCommandRateMin: rateMin, unfinishedCommandTimeMsMax: timeMsMax } = this.settings;
    if (!facts.isMidCommand) {
      this.commandCount = -1;
      return null;
    }
    const { commandCount, receivedBytes } = facts;
    if (commandCount !== this.commandCount) {
      this.commandCount = commandCount;
      this.beganMs = nowMs;
      this.beganBytes = receivedBytes;
      this.heardMs = nowMs;
      this.heardBytes = receivedBytes;
      return null;
    }
    if (receivedBytes !== this.heardBytes) {
      this.heardBytes = receivedBytes;
      this.heardMs = nowMs;
    }
    if (nowMs - this.heardMs >= timeMsMax) return 'nothing more of its command has come';
    const allowedMs = timeMsMax + ((receivedBytes - this.beganBytes) / rateMin) * 1000;
    return nowMs - this.beganMs >= allowedMs ? 'its command comes too slowly' : null;
  }
}

/** A client reads when within the time it takes this much, or all that waits. */
const readBytesMin = 65_536;

export interface OutputFacts {
  readonly unreadBytes: number;
  /** All bytes that the client has taken. */
  readonly takenBytes: number;
}

export class UnreadOutputWatch {
  private readonly settings: DeadlineSettings;
  private sinceMs = -1;
  private takenAtBegin = 0;
  private unreadAtBegin = 0;

  constructor(settings: DeadlineSettings) {
    this.settings = settings;
  }

  /** Whether its replies have waited for too long. */
  look(nowMs: number, { unreadBytes, takenBytes }: OutputFacts): boolean {
    if (unreadBytes === 0) {
      this.sinceMs = -1;
      return false;
    }
    const taken = takenBytes - this.takenAtBegin;
    if (this.sinceMs < 0 || taken >= Math.min(readBytesMin, this.unreadAtBegin)) {
      this.sinceMs = nowMs;
      this.takenAtBegin = takenBytes;
      this.unreadAtBegin = unreadBytes;
      return false;
    }
    return nowMs - this.sinceMs >= this.settings.unreadOutputTimeMsMax;
  }
}
