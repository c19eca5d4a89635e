/** A client's socket without a network, as far as a connection uses one. */
import { EventEmitter } from 'node:events';

export class PlainSocket extends EventEmitter {
  readonly written: Buffer[] = [];
  readonly writableLength = 0;
  bytesWritten = 0;
  destroyed = false;
  readonly remoteAddress = '127.0.0.1';

  write(bytes: Buffer): void {
    this.written.push(Buffer.from(bytes));
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
  destroySoon(): void {
    this.destroy();
  }
  setNoDelay(): void {}
  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}
}
