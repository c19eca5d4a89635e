/**
 * How quickly membership notices a failure, what that costs, and how often it is wrong, in simulated time. Prints
 * figures beside what the papers lead one to expect and asserts nothing. `npm run bench -- membership [SEED]`.
 */
import { lanSettings, type MembershipSettings } from '../../core/membership/settings.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { MembershipWorld } from '../support/simulation/membership-world.ts';

const seed = Number(process.argv[2] ?? 1);
const periodMs = lanSettings.probeIntervalMs;
/** Longer than the quiet time after a start. */
const settleMs = 6_000;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

function print(...cells: (string | number)[]): void {
  console.log(
    cells
      .map((cell) => (typeof cell === 'number' ? cell.toFixed(2) : cell))
      .map((cell, index) => (index === 0 ? cell.padEnd(30) : cell.padStart(13)))
      .join(''),
  );
}

/** SWIM 3.1: n - 1 members each choose one of the others at random in each period. */
function expectedPeriods(nodeCount: number): number {
  return 1 / (1 - (1 - 1 / (nodeCount - 1)) ** (nodeCount - 1));
}

/** Until anybody next pings a member picked at a random moment. Nothing need fail for that: the past has no say. */
function firstPings(nodeCount: number, trialCount: number): number[] {
  const world = new MembershipWorld({ seed, nodeCount, settings: lanSettings });
  const random = new SeededRandom(seed);
  const found: number[] = [];
  world.run(settleMs);
  while (found.length < trialCount) {
    world.run(random.next() * 2 * periodMs);
    const target = 1 + random.below(nodeCount);
    const startMs = world.nowMs;
    let pinged = false;
    world.onPing = (_, to) => {
      pinged ||= to === target;
    };
    world.runUntil(() => pinged, 100 * periodMs);
    found.push(Math.ceil((world.nowMs - startMs) / periodMs));
  }
  return found;
}

interface Detection {
  readonly firstSuspicion: number[];
  readonly allTold: number[];
}

/** Failures at random moments of a settled cluster, one after the other; the node comes back in between. */
function detect(nodeCount: number, trialCount: number): Detection {
  const world = new MembershipWorld({ seed, nodeCount, settings: lanSettings });
  const random = new SeededRandom(seed);
  const found: Detection = { firstSuspicion: [], allTold: [] };
  world.run(settleMs);
  for (let trial = 0; trial < trialCount; trial++) {
    world.run(random.next() * 3 * periodMs);
    const failed = world.node(1 + random.below(nodeCount));
    const startMs = world.nowMs;
    let suspected = false;
    let told = 0;
    world.onEvent = (_, event) => {
      if (event.member !== failed.id) return;
      if (event.kind === 'suspected' && !suspected) {
        suspected = true;
        found.firstSuspicion.push((world.nowMs - startMs) / periodMs);
      }
      if (event.kind === 'died') told++;
    };
    world.crash(failed.id);
    if (world.runUntil(() => told === nodeCount - 1, 120_000)) {
      found.allTold.push((world.nowMs - startMs) / periodMs);
    }
    world.onEvent = () => {};
    world.restart(failed.id);
    world.run(settleMs);
  }
  return found;
}

function detection(): void {
  console.log('\nFrom a failure to its detection, in protocol periods of 1 s.');
  console.log(
    'first ping: until any member first pings the failed one, counted in whole periods (rounded up), as the',
  );
  console.log(
    '  paper counts. Its formula is for targets chosen at random; here they come round-robin in a shuffled',
  );
  console.log(
    '  order, which is a little sooner in small clusters and the same in large ones. 2,000 observations.',
  );
  console.log(
    'suspected: until that ping has gone unanswered, directly and by others: one period more, in real time.',
  );
  console.log(
    'all told: until every other node holds it dead; includes the suspicion, at least 4 · log10 n periods.\n',
  );
  print('nodes (failures)', 'expected', 'first ping', 'p99', 'suspected', 'p99', 'all told', 'p99');
  for (const [nodeCount, trialCount] of [
    [3, 1_000],
    [5, 1_000],
    [16, 500],
    [100, 100],
    [1_000, 30],
  ]) {
    const { firstSuspicion, allTold } = detect(nodeCount, trialCount);
    const whole = firstPings(nodeCount, 2_000);
    print(
      `${nodeCount} (${trialCount})`,
      expectedPeriods(nodeCount),
      mean(whole),
      percentile(whole, 0.99),
      mean(firstSuspicion),
      percentile(firstSuspicion, 0.99),
      mean(allTold),
      percentile(allTold, 0.99),
    );
  }
  console.log(`As n grows the expectation tends to e/(e - 1) = ${(Math.E / (Math.E - 1)).toFixed(2)}.`);
}

function load(): void {
  console.log(
    '\nPackets sent per node and period: at rest (a ping and an answer each: 2), and over the 30 s after a',
  );
  console.log('failure, with all gossip. Claims: how many rode on them.\n');
  print('nodes', 'at rest', 'on failure', 'claims');
  for (const nodeCount of [3, 5, 16, 100, 1_000]) {
    const world = new MembershipWorld({ seed, nodeCount, settings: lanSettings });
    world.run(settleMs);
    const measure = (seconds: number) => {
      world.packetCount = 0;
      world.claimCount = 0;
      world.run(seconds * 1_000);
      const share = nodeCount * (seconds / (periodMs / 1_000));
      return [world.packetCount / share, world.claimCount / share];
    };
    const [rest] = measure(10);
    world.crash(1);
    const [failing, claims] = measure(30);
    print(String(nodeCount), rest, failing, claims);
  }
}

type Anomaly = 'freeze' | 'deafen';

interface Wrong {
  /** Deaths reported, anywhere, of nodes that nothing ever happened to. */
  healthy: number;
  /** The same, for nodes that stood still now and then but were running when they were declared dead. */
  unlucky: number;
}

function accuse(settings: MembershipSettings, noticesPauses: boolean, anomaly: Anomaly): Wrong {
  const nodeCount = 100;
  const sickCount = 20;
  const world = new MembershipWorld({ seed, nodeCount, settings, noticesPauses });
  const random = new SeededRandom(seed);
  const wrong: Wrong = { healthy: 0, unlucky: 0 };
  world.onEvent = (_, event) => {
    if (event.kind !== 'died') return;
    if (event.member > sickCount) wrong.healthy++;
    else if (world.node(event.member).condition === 'running') wrong.unlucky++;
  };
  const plan = (id: number, atMs: number) => {
    world.at(atMs, () => {
      world[anomaly](id);
      const untilMs = world.nowMs + 500 + random.next() * 19_500;
      world.at(untilMs, () => {
        world.wake(id);
        plan(id, world.nowMs + 500 + random.next() * 9_500);
      });
    });
  };
  for (let id = 1; id <= sickCount; id++) plan(id, settleMs + random.next() * 20_000);
  world.run(600_000);
  return wrong;
}

function falsePositives(): void {
  console.log(
    '\nFalse deaths: 100 nodes, of which 20 stall again and again (0.5 to 20 s, then 0.5 to 10 s of peace), for',
  );
  console.log(
    '10 minutes. Counted: every node’s verdict on a node that nothing ever happened to (healthy), or that had',
  );
  console.log('stalled but ran again when the verdict fell (recovered).');
  console.log(
    'frozen: the process stands still (SIGSTOP, a closed lid). deaf: its timers run, its messages wait (the',
  );
  console.log('experiment of the Lifeguard paper).\n');
  print('', 'healthy', 'recovered', 'healthy ÷');
  const plain = { ...lanSettings, lifeguard: false, suspicionMaxMultiplier: 1 };
  for (const anomaly of ['freeze', 'deafen'] as const) {
    const words = anomaly === 'freeze' ? 'frozen' : 'deaf';
    const base = accuse(plain, false, anomaly);
    const against = ({ healthy }: Wrong) =>
      healthy === 0 ? (base.healthy === 0 ? '-' : `> ${base.healthy}`) : (base.healthy / healthy).toFixed(1);
    print(`${words}, plain SWIM`, String(base.healthy), String(base.unlucky), '');
    const guarded = accuse(lanSettings, false, anomaly);
    print(`${words}, Lifeguard`, String(guarded.healthy), String(guarded.unlucky), against(guarded));
    const careful = accuse(lanSettings, true, anomaly);
    print(`${words}, and pause rule`, String(careful.healthy), String(careful.unlucky), against(careful));
  }
}

console.log(`Seed ${seed}; profile LAN.`);
falsePositives();
load();
detection();
