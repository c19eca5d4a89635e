/** CLIENT REPLY: whether a client wants its replies. SKIP mutes its own and the next command's. */
export class ReplyMode {
  private mode: 'on' | 'off' | 'skip' | 'skip-next' = 'on';

  set(mode: 'on' | 'off' | 'skip'): void {
    this.mode = mode === 'skip' ? (this.mode === 'off' ? 'off' : 'skip-next') : mode;
  }

  /** Asked once for each reply, in order. */
  mutesNext(): boolean {
    if (this.mode === 'on') return false;
    if (this.mode === 'skip-next') this.mode = 'skip';
    else if (this.mode === 'skip') this.mode = 'on';
    return true;
  }
}
