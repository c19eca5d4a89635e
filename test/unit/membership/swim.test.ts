import { describe, expect, it } from 'vitest';
import type { Claim } from '../../../core/membership/claims.ts';
import type { Effect, MembershipEvent } from '../../../core/membership/events.ts';
import {
  lanSettings,
  type MembershipSettings,
  oneComputerSettings,
} from '../../../core/membership/settings.ts';
import { Swim } from '../../../core/membership/swim.ts';
import type { ProbeMessage } from '../../../core/wire/membership/packet-codec.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

type Sent = Extract<Effect, { type: 'send' }>;

/** One machine, driven by hand: time moves to whatever is due, and everything sent and told is kept. */
class Bench {
  readonly swim: Swim;
  nowMs = 0;
  sent: Sent[] = [];
  events: MembershipEvent[] = [];
  others: Effect[] = [];

  constructor(peers: number[], settings: MembershipSettings = lanSettings, incarnation = 0) {
    const components = { settings, chance: new SeededRandom(7) };
    this.swim = new Swim(components, { selfId: 1, incarnation, durableIncarnation: 100 }, 0);
    this.step({ type: 'peers', ids: [1, ...peers] });
    this.step({ type: 'start' });
  }

  step(input: Parameters<Swim['step']>[0]): void {
    for (const effect of this.swim.step(input, this.nowMs)) {
      if (effect.type === 'send') this.sent.push(effect);
      else if (effect.type === 'event') this.events.push(effect.event);
      else this.others.push(effect);
    }
  }

  /** Moves on; `answer` sees every packet and may answer for its receiver. */
  run(durationMs: number, answer: (sent: Sent) => void = () => {}, other: () => void = () => {}): void {
    const untilMs = this.nowMs + durationMs;
    for (;;) {
      for (const packet of this.sent.splice(0)) answer(packet);
      other();
      const dueMs = this.swim.nextDueMs();
      if (dueMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.step({ type: 'tick' });
    }
    this.nowMs = untilMs;
  }

  probe(from: number, probe: ProbeMessage): void {
    this.step({ type: 'packet', packet: { from, probe, claims: [] } });
  }

  claim(from: number, claim: Claim): void {
    this.step({ type: 'packet', packet: { from, probe: null, claims: [claim] } });
  }

  stateOf(id: number): string | undefined {
    return this.swim.states().get(id)?.state;
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }
}

/** Everybody but `silent` answers pings, and helpers say that a silent target is silent. */
function allAnswerBut(bench: Bench, ...silent: number[]): (sent: Sent) => void {
  return ({ to, packet: { probe } }) => {
    if (probe === null || silent.includes(to)) return;
    if (probe.type === 'ping') bench.probe(to, { type: 'ack', sequence: probe.sequence });
    if (probe.type === 'pingRequest') {
      const type = silent.includes(probe.target) ? 'nack' : 'ack';
      bench.probe(to, { type, sequence: probe.sequence });
    }
  };
}

const quiet = 5_000;
const suspect = (member: number, by: number, incarnation = 0): Claim => ({
  state: 'suspect',
  member,
  incarnation,
  by,
  agreed: [],
});
const alive = (member: number, incarnation: number): Claim => ({
  state: 'alive',
  member,
  incarnation,
  by: member,
  agreed: [],
});

describe('a membership machine', () => {
  it('keeps all members alive that answer', () => {
    const bench = new Bench([2, 3, 4]);
    bench.run(60_000, allAnswerBut(bench));
    expect(bench.events).toEqual([]);
    expect(bench.swim.healthScore).toBe(0);
  });

  it('asks others to probe a silent member, then suspects it, then declares it dead', () => {
    const bench = new Bench([2, 3, 4, 5, 6]);
    bench.run(quiet, allAnswerBut(bench));
    const asked = new Set<number>();
    const answer = allAnswerBut(bench, 3);
    const startMs = bench.nowMs;
    bench.run(60_000, (sent) => {
      if (sent.packet.probe?.type === 'pingRequest' && bench.stateOf(3) === 'alive') {
        expect(sent.packet.probe.target).toBe(3);
        asked.add(sent.to);
      }
      answer(sent);
    });
    expect(asked.size).toBe(lanSettings.indirectProbeCount);
    expect(asked.has(3)).toBe(false);
    expect(bench.kinds()).toEqual(['suspected', 'died']);
    expect(bench.events[0]).toMatchObject({ member: 3, by: 1, silentMs: 1_000 });
    expect(bench.events[1]).toMatchObject({ member: 3, suspectedBy: 1, confirmedBy: [], broadcastBy: 1 });
    // Nobody confirmed: the longest suspicion, 4 periods times 6.
    const { sinceMs } = bench.swim.states().get(3)!;
    expect(sinceMs - startMs).toBeGreaterThan(24_000);
  });

  it('believes an answer that comes through a helper', () => {
    const bench = new Bench([2, 3, 4]);
    bench.run(quiet + 30_000, ({ to, packet: { probe } }) => {
      if (probe === null || (probe.type === 'ping' && to === 3)) return;
      bench.probe(to, { type: 'ack', sequence: probe.sequence });
    });
    expect(bench.events).toEqual([]);
  });

  it('believes an answer over the stream when datagrams are blocked', () => {
    const bench = new Bench([2]);
    const answerByStream = () => {
      for (const effect of bench.others.splice(0)) {
        if (effect.type === 'askByStream') bench.step({ type: 'streamAnswer', sequence: effect.sequence });
      }
    };
    bench.run(quiet + 30_000, () => {}, answerByStream);
    expect(bench.events).toEqual([]);
  });

  it('shortens a suspicion with each independent confirmation', () => {
    const timeToDeath = (accusers: number[]) => {
      const bench = new Bench([2, 3, 4, 5, 6]);
      bench.run(quiet, allAnswerBut(bench));
      const startMs = bench.nowMs;
      for (const by of accusers) bench.claim(by, suspect(3, by));
      bench.run(60_000, (sent) => {
        // Only what the others say counts here: this node itself gets its answer.
        const { probe } = sent.packet;
        if (probe !== null) bench.probe(sent.to, { type: 'ack', sequence: probe.sequence });
      });
      return bench.swim.states().get(3)!.sinceMs - startMs;
    };
    const [none, one, two] = [timeToDeath([2]), timeToDeath([2, 4]), timeToDeath([2, 4, 5])];
    expect(none).toBe(24_000);
    expect(one).toBeLessThan(none);
    expect(two).toBe(4_000);
    expect(timeToDeath([2, 2, 2])).toBe(none);
  });

  it('names in the event of a death who suspected and who confirmed', () => {
    const bench = new Bench([2, 3, 4, 5, 6]);
    bench.run(quiet, allAnswerBut(bench));
    for (const by of [2, 4, 5]) bench.claim(by, suspect(3, by));
    bench.run(5_000, allAnswerBut(bench));
    expect(bench.kinds()).toEqual(['suspected', 'confirmed', 'confirmed', 'died']);
    expect(bench.events[3]).toMatchObject({ suspectedBy: 2, confirmedBy: [4, 5], broadcastBy: 1 });
  });

  it('returns a refuted suspect to alive, and takes a stale suspicion for nothing', () => {
    const bench = new Bench([2, 3, 4]);
    bench.claim(2, suspect(3, 2));
    bench.claim(4, alive(3, 1));
    expect(bench.stateOf(3)).toBe('alive');
    bench.claim(2, suspect(3, 2, 0));
    expect(bench.stateOf(3)).toBe('alive');
    expect(bench.kinds()).toEqual(['suspected', 'returned']);
  });

  it('brings a dead member back only under a higher incarnation', () => {
    const bench = new Bench([2, 3]);
    bench.claim(2, { state: 'dead', member: 3, incarnation: 4, by: 2, agreed: [2] });
    bench.claim(2, alive(3, 4));
    expect(bench.stateOf(3)).toBe('dead');
    bench.claim(2, alive(3, 5));
    expect(bench.stateOf(3)).toBe('alive');
    expect(bench.events.at(-1)).toMatchObject({ kind: 'returned', before: 'dead' });
  });

  it('refutes what is said of itself with the very answer, and doubts itself a little', () => {
    const bench = new Bench([2, 3]);
    bench.step({
      type: 'packet',
      packet: { from: 2, probe: { type: 'ping', sequence: 9, target: 1 }, claims: [suspect(1, 2, 3)] },
    });
    const answer = bench.sent.at(-1)!;
    expect(answer.packet.probe).toEqual({ type: 'ack', sequence: 9 });
    expect(answer.packet.claims).toContainEqual(alive(1, 4));
    expect(bench.swim.healthScore).toBe(1);
  });

  it('announces no incarnation that is not durable', () => {
    const bench = new Bench([2, 3]);
    bench.claim(2, suspect(1, 2, 200));
    expect(bench.others).toContainEqual({ type: 'persist', incarnation: 217 });
    bench.probe(2, { type: 'ping', sequence: 1, target: 1 });
    expect(bench.sent.at(-1)!.packet.claims).toEqual([]);
    expect(bench.swim.claims().some(({ member }) => member === 1)).toBe(false);
    bench.step({ type: 'persisted', incarnation: 217 });
    bench.probe(2, { type: 'ping', sequence: 2, target: 1 });
    expect(bench.sent.at(-1)!.packet.claims).toContainEqual(alive(1, 201));
  });

  it('tells a suspect of the suspicion first, so that it can refute', () => {
    const bench = new Bench([2, 3, 4]);
    bench.run(quiet, allAnswerBut(bench));
    bench.claim(2, suspect(3, 2));
    let told = 0;
    bench.run(8_000, (sent) => {
      if (sent.to === 3 && bench.stateOf(3) === 'suspect') {
        expect(sent.packet.claims[0]).toMatchObject({ state: 'suspect', member: 3 });
        told++;
      }
      allAnswerBut(bench)(sent);
    });
    expect(told).toBeGreaterThan(0);
  });

  it('sends a nack for a silent target, and passes a late answer on', () => {
    const bench = new Bench([2, 3]);
    bench.run(100);
    bench.probe(2, { type: 'pingRequest', sequence: 77, target: 3 });
    const ping = bench.sent.at(-1)!;
    expect(ping).toMatchObject({ to: 3, packet: { probe: { type: 'ping', target: 3 } } });
    const back: (ProbeMessage | null)[] = [];
    bench.run(450, ({ to, packet }) => {
      if (to === 2 && packet.probe?.type === 'nack') back.push(packet.probe);
    });
    expect(back).toEqual([{ type: 'nack', sequence: 77 }]);
    bench.probe(3, { type: 'ack', sequence: ping.packet.probe!.sequence });
    expect(bench.sent.at(-1)).toMatchObject({ to: 2, packet: { probe: { type: 'ack', sequence: 77 } } });
  });

  it('doubts itself when its helpers are silent as well, and probes more slowly', () => {
    const bench = new Bench([2, 3, 4, 5, 6]);
    bench.run(quiet + 10_000);
    expect(bench.swim.healthScore).toBe(lanSettings.awarenessMax);
    let pings = 0;
    bench.run(18_000, ({ packet }) => {
      if (packet.probe?.type === 'ping' && bench.stateOf(packet.probe.target) !== 'dead') pings++;
    });
    expect(pings).toBeLessThanOrEqual(3);
  });

  it('accuses nobody for five seconds after it stood still for more than five', () => {
    const bench = new Bench([2, 3, 4]);
    bench.run(quiet, allAnswerBut(bench));
    bench.claim(2, suspect(3, 2));
    bench.nowMs += 60_000;
    bench.step({ type: 'paused', durationMs: 60_000, wallMs: 60_000 });
    bench.run(4_900);
    expect(bench.stateOf(3)).toBe('suspect');
    expect(bench.kinds()).toEqual(['suspected']);
    bench.run(60_000);
    expect(bench.stateOf(3)).toBe('dead');
  });

  it('does not count a short pause of its own against a suspect', () => {
    const bench = new Bench([2, 3, 4], { ...lanSettings, suspicionMaxMultiplier: 1 });
    bench.run(quiet, allAnswerBut(bench));
    bench.claim(2, suspect(3, 2));
    bench.nowMs += 3_000;
    bench.step({ type: 'paused', durationMs: 3_000, wallMs: 3_000 });
    bench.run(3_500, allAnswerBut(bench));
    expect(bench.stateOf(3)).toBe('suspect');
    bench.run(1_000, allAnswerBut(bench));
    expect(bench.stateOf(3)).toBe('dead');
  });

  it('leaves in order: it says so to the others, who mark it left and accuse nobody', () => {
    const leaver = new Bench([2, 3], lanSettings, 5);
    leaver.step({ type: 'leave' });
    const [{ packet }] = leaver.sent.splice(-2);
    expect(packet.claims).toContainEqual({ state: 'left', member: 1, incarnation: 5, by: 1, agreed: [] });
    const other = new Bench([2, 3]);
    other.claim(2, { state: 'left', member: 2, incarnation: 5, by: 2, agreed: [] });
    other.run(60_000, allAnswerBut(other, 2));
    expect(other.stateOf(2)).toBe('left');
    expect(other.kinds()).toEqual(['left']);
  });

  it('takes no number from others that no honest step leads to, and any from the member itself', () => {
    const bench = new Bench([2, 3]);
    const far = 2 ** 31;
    bench.claim(3, { ...suspect(2, 3, far), state: 'dead' });
    bench.claim(3, { ...alive(2, far), state: 'left' });
    expect(bench.stateOf(2)).toBe('alive');
    bench.claim(2, alive(2, far));
    bench.claim(3, suspect(2, 3, far));
    expect(bench.stateOf(2)).toBe('suspect');
    bench.claim(2, alive(2, far + 1));
    expect(bench.stateOf(2)).toBe('alive');
  });

  it('refutes the highest number that others may hold of it, and uses the range up for nobody', () => {
    const bench = new Bench([2, 3]);
    const far = 2 ** 31;
    bench.claim(3, { ...suspect(1, 3, far), state: 'dead' });
    expect(bench.swim.incarnation).toBe(far + 1);
    bench.claim(3, { ...suspect(1, 3, 2 ** 32 - 1), state: 'dead' });
    expect(bench.swim.incarnation).toBe(far + 1);
    bench.claim(3, { ...suspect(1, 3, far + 1), state: 'dead' });
    expect(bench.swim.incarnation).toBe(far + 2);
  });

  it('lets nobody say of another that it left', () => {
    const bench = new Bench([2, 3]);
    bench.claim(2, { state: 'left', member: 3, incarnation: 1, by: 2, agreed: [] });
    expect(bench.stateOf(3)).toBe('alive');
  });

  it('takes a death from a whole list for a suspicion, which can be refuted', () => {
    const bench = new Bench([2, 3]);
    const claims: Claim[] = [{ state: 'dead', member: 3, incarnation: 1, by: 2, agreed: [2] }];
    bench.step({ type: 'states', from: 2, claims });
    expect(bench.stateOf(3)).toBe('suspect');
  });

  it('does not answer a ping for another node that reached its address', () => {
    const bench = new Bench([2, 3]);
    const before = bench.sent.length;
    bench.probe(2, { type: 'ping', sequence: 1, target: 3 });
    bench.probe(99, { type: 'ping', sequence: 1, target: 1 });
    expect(bench.sent.length).toBe(before);
  });

  it('waits for no confirmation that nobody can give', () => {
    const bench = new Bench([2], oneComputerSettings);
    bench.run(quiet, allAnswerBut(bench));
    const startMs = bench.nowMs;
    bench.run(60_000, allAnswerBut(bench, 2));
    expect(bench.swim.states().get(2)!.sinceMs - startMs).toBeLessThan(8_000);
  });
});
