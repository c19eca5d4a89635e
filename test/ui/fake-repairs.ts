/**
 * Repairs of the fake cluster: jobs that advance with a timer, one that waits for a node that is away, one that failed, and
 * schedules. Nothing is compared; the words and figures are those of the real host.
 */
import { CoterieError } from '../../core/base/errors.ts';
import type { MethodInput, MethodName } from '../../core/contract/api.ts';
import type {
  RepairCoverage,
  RepairJob,
  RepairRequest,
  RepairSchedule,
  RepairScheduleSettings,
  RepairSegment,
  RepairsView,
} from '../../core/contract/repair-views.ts';
import type { ActivityEntry } from '../../core/contract/views.ts';
import { keyspaceNamed, type Layout } from '../../core/layout/layout.ts';

const tickMs = 150;
const segmentCount = 64;
const partitionCount = 1024;
const dayMs = 24 * 3_600_000;

interface Surroundings {
  layout(): Layout;
  changed(): void;
  noted(
    subject: string,
    message: string,
    by: ActivityEntry['by'],
    severity?: ActivityEntry['severity'],
  ): void;
}

export class FakeRepairs {
  /** Newest first. */
  readonly jobs: RepairJob[] = [];
  readonly schedules: RepairSchedule[] = [];
  /** A job of this keyspace starts nothing: it waits for this. */
  readonly blocked = new Set<string>();
  readonly #around: Surroundings;
  readonly #comparedAtMs = new Map<string, (number | null)[]>();
  readonly #ticker: ReturnType<typeof setInterval>;
  #idCount = 0;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#ticker = setInterval(() => this.#advanceAll(), tickMs);
  }

  close(): void {
    clearInterval(this.#ticker);
  }

  view(): RepairsView {
    const coverage: RepairCoverage[] = this.#around.layout().keyspaces.map(({ name }) => ({
      keyspace: name,
      comparedAtMs: [...this.#comparedOf(name)],
    }));
    return structuredClone({ jobs: this.jobs, schedules: this.schedules, coverage });
  }

  /** `ageDays` of a range: null for never. */
  setCoverage(keyspace: string, ageDays: (range: number) => number | null): void {
    const ages = Array.from({ length: segmentCount }, (_, range) => ageDays(range));
    this.#comparedAtMs.set(
      keyspace,
      ages.map((age) => (age === null ? null : Date.now() - age * dayMs)),
    );
  }

  /** A job that is there from the start. */
  put(request: MethodInput<'repairs.run'>, parts: Partial<RepairJob>): RepairJob {
    const job = { ...this.#newJob(request), ...parts };
    this.jobs.unshift(job);
    return job;
  }

  answer(method: MethodName, input: never): unknown {
    const { id } = input as { id: string };
    switch (method) {
      case 'repairs.list':
        return this.view();
      case 'repairs.run':
        return this.#run(input as RepairRequest);
      case 'repairs.pause':
        return this.#set(id, { state: 'paused', waitingFor: { for: 'person' } }, 'is paused');
      case 'repairs.resume':
        return this.#set(id, { state: 'running', waitingFor: { for: 'turn' } }, 'goes on');
      case 'repairs.cancel':
        return this.#set(
          id,
          { state: 'cancelled', waitingFor: null, endedAtMs: Date.now() },
          'was cancelled',
        );
      case 'repairs.retry': {
        for (const segment of this.#job(id).segments)
          if (segment.state === 'failed') Object.assign(segment, { state: 'open', attempts: 0, reason: '' });
        return this.#set(
          id,
          { state: 'running', waitingFor: { for: 'turn' }, endedAtMs: null },
          'is tried again',
        );
      }
      case 'repairs.schedule':
        return this.schedule(input as RepairScheduleSettings);
      case 'repairs.unschedule': {
        const index = this.schedules.findIndex((schedule) => schedule.id === id);
        if (index < 0) throw new CoterieError('not-found', 'This schedule is not there any more.');
        this.schedules.splice(index, 1);
        this.#around.changed();
        return {};
      }
      default:
        throw new CoterieError('unsupported', `There is no method "${method}".`);
    }
  }

  schedule(settings: RepairScheduleSettings): RepairSchedule {
    keyspaceNamed(this.#around.layout(), settings.keyspace);
    const nextAtMs = Date.now() + 2 * dayMs;
    const id = this.#newId('schedule');
    const asked = { askedBy: null, askedOn: null };
    const schedule = { ...settings, ...asked, id, createdAtMs: Date.now(), nextAtMs };
    this.schedules.push(schedule);
    this.#around.changed();
    return schedule;
  }

  #run(request: RepairRequest): RepairJob {
    keyspaceNamed(this.#around.layout(), request.keyspace);
    if (request.lastPartition < request.firstPartition)
      throw new CoterieError('bad-input', 'The last partition lies before the first one.');
    const job = this.put(request, {});
    this.#around.noted(job.keyspace, `Repair of ${job.keyspace} was asked for.`, 'person');
    this.#around.changed();
    return job;
  }

  #newJob(request: MethodInput<'repairs.run'>): RepairJob {
    const { firstPartition = 0, lastPartition = partitionCount - 1 } = request;
    const computer = this.#around.layout().computers[0]?.name ?? null;
    return {
      id: this.#newId('repair'),
      keyspace: request.keyspace,
      dataCenters: request.dataCenters ?? [],
      dryRun: request.dryRun ?? false,
      parallelism: request.parallelism ?? 1,
      intensity: request.intensity ?? 'normal',
      by: 'person',
      scheduleId: null,
      ...{ askedBy: 'anna (command line)', askedOn: computer, runsOn: computer },
      state: 'waiting',
      waitingFor: { for: 'turn' },
      createdAtMs: Date.now(),
      startedAtMs: null,
      endedAtMs: null,
      segments: segmentsBetween(firstPartition, lastPartition),
      segmentsPerMinute: null,
      etaMs: null,
      keysDiffering: 0,
      recordsSent: 0,
      valueBytes: 0,
      treeBytes: 0,
    };
  }

  #newId(what: string): string {
    return `${what}-${String(this.#idCount++).padStart(4, '0')}`;
  }

  #job(id: string): RepairJob {
    const job = this.jobs.find((candidate) => candidate.id === id);
    if (job === undefined) throw new CoterieError('not-found', 'This repair is not there any more.');
    return job;
  }

  #set(id: string, parts: Partial<RepairJob>, words: string): object {
    const job = Object.assign(this.#job(id), parts);
    for (const segment of job.segments) if (segment.state === 'running') segment.state = 'open';
    this.#around.noted(job.keyspace, `The repair of ${job.keyspace} ${words}.`, 'person');
    this.#around.changed();
    return {};
  }

  #advanceAll(): void {
    const active = this.jobs.filter(({ state }) => state === 'waiting' || state === 'running');
    const moving = active.filter(({ keyspace }) => !this.blocked.has(keyspace));
    for (const job of moving) this.#advance(job);
    if (moving.length > 0) this.#around.changed();
  }

  #advance(job: RepairJob): void {
    job.state = 'running';
    job.startedAtMs ??= Date.now();
    const running = job.segments.filter(({ state }) => state === 'running');
    for (const segment of running) this.#finish(job, segment);
    const open = job.segments.filter(({ state }) => state === 'open');
    for (const segment of open.slice(0, job.parallelism)) segment.state = 'running';
    if (open.length === 0) {
      Object.assign(job, { state: 'done', waitingFor: null, etaMs: null, endedAtMs: Date.now() });
      this.#around.noted(job.keyspace, `The repair of ${job.keyspace} is done.`, 'system');
      return;
    }
    const [{ firstPartition, lastPartition }] = open;
    job.waitingFor = { for: 'comparison', firstPartition, lastPartition };
    job.segmentsPerMinute = 60_000 / tickMs;
    job.etaMs = open.length * tickMs;
  }

  #finish(job: RepairJob, segment: RepairSegment): void {
    const differences = (segment.firstPartition / 16) % 9 === 4 ? 3 : 0;
    Object.assign(segment, { state: 'done', differences });
    job.keysDiffering += differences;
    job.treeBytes += 18_400;
    if (job.dryRun) return;
    job.recordsSent += differences;
    job.valueBytes += differences * 1310;
    const times = this.#comparedOf(job.keyspace);
    const width = partitionCount / segmentCount;
    for (let at = segment.firstPartition; at <= segment.lastPartition; at += width)
      times[Math.floor(at / width)] = Date.now();
  }

  #comparedOf(keyspace: string): (number | null)[] {
    const times = this.#comparedAtMs.get(keyspace) ?? new Array(segmentCount).fill(null);
    this.#comparedAtMs.set(keyspace, times);
    return times;
  }
}

function segmentsBetween(firstPartition: number, lastPartition: number): RepairSegment[] {
  const segments: RepairSegment[] = [];
  const width = partitionCount / segmentCount;
  for (let first = firstPartition; first <= lastPartition; first += width) {
    const last = Math.min(lastPartition, first + width - 1);
    segments.push({
      firstPartition: first,
      lastPartition: last,
      state: 'open',
      differences: 0,
      attempts: 0,
      reason: '',
    });
  }
  return segments;
}
