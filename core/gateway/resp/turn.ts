/**
 * What one connection may do before others have their turn. A pipeline of cheap commands with long replies, or of dear ones,
 * would otherwise be worked off in one go, as long as its chunk is.
 */
const commandsMax = 512;
const replyBytesMax = 262_144;
const timeMsMax = 2;

export class Turn {
  private commandCount = 0;
  private replyBytes = 0;
  private beganMs = 0;
  private lastMs = 0;

  get isOver(): boolean {
    if (this.commandCount >= commandsMax || this.replyBytes >= replyBytesMax) return true;
    return this.lastMs - this.beganMs > timeMsMax;
  }

  begin(): void {
    this.commandCount = 0;
    this.replyBytes = 0;
    this.lastMs = this.beganMs;
  }

  /** A command begins. */
  command(nowMs: number): void {
    if (this.commandCount === 0) this.beganMs = nowMs;
    this.commandCount += 1;
    this.lastMs = nowMs;
  }

  reply(bytes: number): void {
    this.replyBytes += bytes;
  }
}
