import { beforeEach, describe, expect, it } from 'vitest';
import { type Carrier, HostChannel, orphanLifeMs } from '../../../core/node-process/host-channel.ts';
import type { FromNode, ToNode } from '../../../core/node-process/messages.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const logLine = (line: string): FromNode => ({ type: 'log', level: 'info', line });
const drain: ToNode = { type: 'drain' };

class PlayedHost implements Carrier {
  readonly heard: FromNode[] = [];
  closed = false;
  say: (message: unknown) => void = () => {};
  hangUp: () => void = () => {};

  send(message: FromNode): void {
    this.heard.push(message);
  }

  onMessage(handler: (message: unknown) => void): void {
    this.say = handler;
  }

  onClose(handler: () => void): void {
    this.hangUp = handler;
  }

  close(): void {
    this.closed = true;
  }
}

describe('a node’s channel to its host', () => {
  let time: VirtualTime;
  let parent: PlayedHost;
  let told: string[];
  let orders: ToNode[];
  let channel: HostChannel;

  beforeEach(() => {
    time = new VirtualTime();
    parent = new PlayedHost();
    told = [];
    orders = [];
    channel = new HostChannel(
      {
        timers: time,
        parent: {
          send: (message) => parent.send(message),
          onMessage: (handler) => parent.onMessage(handler as never),
        },
      },
      { adopted: () => told.push('adopted'), abandoned: () => told.push('abandoned') },
    );
    channel.onMessage((message) => orders.push(message));
  });

  it('goes to the process that started it, and takes no other host beside that', () => {
    const stranger = new PlayedHost();
    channel.adopt(stranger);
    channel.send(logLine('a'));
    parent.say(drain);
    expect({ stranger: stranger.closed, heard: parent.heard, orders, told }).toEqual({
      stranger: true,
      heard: [logLine('a')],
      orders: [drain],
      told: [],
    });
  });

  it('goes to the next host once the first is gone, with what a person should read', () => {
    channel.lost();
    for (let line = 0; line < 60; line++) channel.send(logLine(`line ${line}`));
    channel.send({
      type: 'layout',
      report: { version: 3, live: [3], trackers: [], lacking: 0, open: [], receivedBytes: 0, moving: [] },
    });
    const next = new PlayedHost();
    channel.adopt(next);
    channel.send({ type: 'ready' });
    next.say(drain);
    expect(next.heard.length).toBe(51);
    expect(next.heard[0]).toEqual(logLine('line 10'));
    expect(next.heard.at(-1)).toEqual({ type: 'ready' });
    expect({ told, orders, parent: parent.heard }).toEqual({
      told: ['adopted'],
      orders: [drain],
      parent: [],
    });
  });

  it('is abandoned when no host comes in time, and not a moment earlier', async () => {
    channel.lost();
    await time.advance(orphanLifeMs - 1);
    const next = new PlayedHost();
    channel.adopt(next);
    await time.advance(orphanLifeMs * 2);
    expect(told).toEqual(['adopted']);
    next.hangUp();
    await time.advance(orphanLifeMs);
    expect(told).toEqual(['adopted', 'abandoned']);
  });
});
