/** `coterie repair …`: jobs and schedules of repair. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CoterieError } from '../base/errors.ts';
import { plainLine } from '../base/plain-text.ts';
import { type RepairJob, type RepairsView, repairIntensity } from '../contract/repair-views.ts';
import { waitInWords } from '../contract/repair-words.ts';
import type { CommandContext } from './context.ts';
import { formatBytes, show, table } from './output.ts';

function whole(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new InvalidArgumentError('A whole number, please.');
  return Number(text);
}

/** `0-511`, or one number. */
function parseRange(text: string): { firstPartition: number; lastPartition: number } {
  const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('A range of partitions, please: 0-511.');
  return { firstPartition: Number(match[1]), lastPartition: Number(match[2] ?? match[1]) };
}

function parseBlackouts(text: string): { from: string; until: string }[] {
  return text.split(',').map((part) => {
    const [from, until] = part.trim().split('-');
    if (until === undefined) throw new InvalidArgumentError('Times of day, please: 08:00-18:00.');
    return { from, until };
  });
}

const words = (text: string) => text.split(',').map((part) => part.trim());

function jobRows(jobs: readonly RepairJob[]): string {
  if (jobs.length === 0) return 'No repair was run yet.';
  return table(
    ['REPAIR', 'KEYSPACE', 'STATE', 'SEGMENTS', 'DIFFERED', 'SENT', 'WAITS FOR'],
    jobs.map((job) => [
      job.id.slice(0, 8),
      job.dryRun ? `${job.keyspace} (dry run)` : job.keyspace,
      job.state,
      `${job.segments.filter(({ state }) => state === 'done').length} of ${job.segments.length}`,
      String(job.keysDiffering),
      formatBytes(job.valueBytes),
      waitInWords(job.waitingFor, (atMs) => new Date(atMs).toISOString()) || '-',
    ]),
  );
}

function detailsOf(job: RepairJob): string {
  const lines = [jobRows([job])];
  const who = job.askedBy ?? (job.by === 'schedule' ? 'a schedule' : 'a person');
  const at = job.askedOn === null ? '' : ` at ${job.askedOn}`;
  const where = job.runsOn === null ? '' : ` It ${job.endedAtMs === null ? 'runs' : 'ran'} on ${job.runsOn}.`;
  lines.push('', `Asked for by ${who}${at}.${where}`);
  if (job.etaMs !== null) lines.push('', `About ${Math.ceil(job.etaMs / 1000)} s to go.`);
  for (const segment of job.segments) {
    if (segment.reason === '') continue;
    const range = `${segment.firstPartition} to ${segment.lastPartition}`;
    lines.push(
      '',
      `Partitions ${range} (${segment.state}, tried ${segment.attempts} times): ${segment.reason}`,
    );
  }
  return lines.join('\n');
}

function scheduleRows({ schedules }: RepairsView): string {
  if (schedules.length === 0) return 'No repair is scheduled.';
  return table(
    ['SCHEDULE', 'KEYSPACE', 'EVERY', 'AT', 'TIME ZONE', 'NEXT'],
    schedules.map((schedule) => [
      schedule.id.slice(0, 8),
      schedule.keyspace,
      schedule.everyDays === 1 ? 'day' : `${schedule.everyDays} days`,
      schedule.at,
      schedule.timeZone,
      new Date(schedule.nextAtMs).toISOString(),
    ]),
  );
}

export function addRepairCommands(program: Command, context: CommandContext): void {
  const api = () => context.client();
  const print = (value: unknown, text: () => string) => show(context.output(), value, text);
  const repair = program.command('repair').description('compare replicas and make them equal');
  const intensity = () =>
    new Option('--intensity <how>', 'how much of the time it may take').choices([...repairIntensity.options]);

  interface RunFlags {
    dataCenters?: string[];
    partitions?: { firstPartition: number; lastPartition: number };
    parallel?: number;
    intensity?: 'gentle' | 'normal' | 'fast';
    dryRun?: boolean;
  }
  repair
    .command('run <keyspace>')
    .description('repair a keyspace now')
    .option('--data-centers <names>', 'only between these, separated by commas', words)
    .option('--partitions <first-last>', 'only these of the 1024', parseRange)
    .option('--parallel <n>', 'segments at a time', whole)
    .addOption(intensity())
    .option('--dry-run', 'count differences and change nothing')
    .action(async (keyspace: string, flags: RunFlags) => {
      const job = await api().call('repairs.run', {
        keyspace,
        dataCenters: flags.dataCenters,
        ...flags.partitions,
        parallelism: flags.parallel,
        intensity: flags.intensity,
        dryRun: flags.dryRun,
      });
      print(job, () => jobRows([job]));
    });

  repair
    .command('list')
    .description('repairs and schedules')
    .action(async () => {
      const view = await api().call('repairs.list', {});
      print(view, () => `${jobRows(view.jobs)}\n\n${scheduleRows(view)}`);
    });

  repair
    .command('show <id>')
    .description('one repair with its failures')
    .action(async (id: string) => {
      const { jobs } = await api().call('repairs.list', {});
      const job = jobs.find((candidate) => candidate.id.startsWith(id));
      if (job === undefined)
        throw new CoterieError(
          'not-found',
          `There is no repair ${plainLine(id)}. See which there are: coterie repair list`,
        );
      print(job, () => detailsOf(job));
    });

  const actions = {
    pause: ['repairs.pause', 'hold a repair', 'paused'],
    resume: ['repairs.resume', 'let a paused repair go on', 'resumed'],
    cancel: ['repairs.cancel', 'end a repair for good', 'cancelled'],
    retry: ['repairs.retry', 'try the failed segments again', 'under way again'],
    unschedule: ['repairs.unschedule', 'remove a schedule', 'removed'],
  } as const;
  for (const [verb, [method, description, past]] of Object.entries(actions)) {
    repair
      .command(`${verb} <id>`)
      .description(description)
      .action(async (id: string) => {
        await api().call(method, { id });
        print({ id, done: past }, () => `${id} ${past}`);
      });
  }

  interface ScheduleFlags {
    dataCenters?: string[];
    every?: number;
    at?: string;
    timeZone?: string;
    quiet?: { from: string; until: string }[];
    parallel?: number;
    intensity?: 'gentle' | 'normal' | 'fast';
  }
  repair
    .command('schedule <keyspace>')
    .description('repair a keyspace every few days')
    .option('--every <days>', 'days between two runs', whole)
    .option('--at <hh:mm>', 'time of day')
    .option('--time-zone <name>', 'as in Europe/Berlin')
    .option('--quiet <from-until,…>', 'times of day in which nothing is started', parseBlackouts)
    .option('--data-centers <names>', 'only between these, separated by commas', words)
    .option('--parallel <n>', 'segments at a time', whole)
    .addOption(intensity())
    .action(async (keyspace: string, flags: ScheduleFlags) => {
      const schedule = await api().call('repairs.schedule', {
        keyspace,
        dataCenters: flags.dataCenters,
        everyDays: flags.every,
        at: flags.at,
        timeZone: flags.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
        blackouts: flags.quiet,
        parallelism: flags.parallel,
        intensity: flags.intensity,
      });
      print(schedule, () => `${keyspace} is repaired next at ${new Date(schedule.nextAtMs).toISOString()}`);
    });
}
