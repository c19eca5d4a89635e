/** `coterie doctor` beside a running host, one that is stopped, and none. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Finding } from '../../core/cli/doctor/finding.ts';
import { readControlAddress } from '../../core/host/servers/control-server.ts';
import { RealCluster } from '../support/cluster.ts';

const program = join(import.meta.dirname, '../../dist/cli.js');
const run = promisify(execFile);

interface Answer {
  readonly code: number;
  readonly findings: readonly Finding[];
}

async function doctor(folder: string): Promise<Answer> {
  const words = [program, 'doctor', '--data', folder, '--json'];
  const { code, stdout } = await run(process.execPath, words).then(
    (done) => ({ code: 0, stdout: done.stdout }),
    (failed: { code: number; stdout: string }) => failed,
  );
  return { code, findings: JSON.parse(stdout).findings };
}

const about = ({ findings }: Answer, what: Finding['about']) =>
  findings.filter((finding) => finding.about === what);
const wrongIn = ({ findings }: Answer) => findings.filter(({ state }) => state === 'wrong');

const cluster = new RealCluster();
afterAll(() => cluster.dispose());

describe('the doctor', () => {
  test('beside a running host names versions, disk, clock and the ports in use, and ends with 0', async () => {
    const { nodes } = await cluster.start('--nodes', '1');
    const answer = await doctor(cluster.folder);
    expect(wrongIn(answer)).toEqual([]);
    expect(answer.code).toBe(0);
    expect(about(answer, 'program').map(({ text }) => text)).toEqual([
      expect.stringMatching(/^Coterie \S+ with Node /),
      expect.stringMatching(/with layout \d+; between nodes it speaks protocol \d/),
    ]);
    expect(about(answer, 'disk').map(({ text }) => text)).toEqual([
      expect.stringContaining('are free on the disk of'),
      expect.stringContaining('until it is durable'),
    ]);
    expect(about(answer, 'clock')).toHaveLength(1);
    const [client] = nodes.map((node) => node.client.split(':')[1]);
    expect(about(answer, 'ports')[0].text).toContain(`TCP ${client} (Redis clients of node-1)`);
    expect(readdirSync(cluster.folder).filter((name) => name.startsWith('doctor'))).toEqual([]);
  });

  test('says in lines for people what it says in JSON for programs', async () => {
    const { stdout } = await run(process.execPath, [program, 'doctor', '--data', cluster.folder]);
    expect(stdout).toMatch(/^fine {3}program {4}Coterie /);
    expect(stdout).toMatch(/^(fine |note ) {2}disk {7}.* are free on the disk of /m);
  });

  test.runIf(process.platform === 'linux')(
    'says of a host that is stopped that it is, looks at the rest, and ends with 4',
    async () => {
      const { pid } = readControlAddress(cluster.folder)!;
      process.kill(pid, 'SIGSTOP');
      try {
        const answer = await doctor(cluster.folder);
        expect(answer.code).toBe(4);
        expect(wrongIn(answer)).toMatchObject([
          { about: 'program', code: 'unavailable', text: expect.stringContaining('is stopped') },
        ]);
        expect(about(answer, 'disk')).toHaveLength(2);
        // Its ports are its own: nobody is told to end it.
        expect(about(answer, 'ports')).toEqual([]);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
  );

  describe('where no host runs', () => {
    const folder = mkdtempSync(join(tmpdir(), 'coterie-doctor-'));
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    test('says so, and what a start would find: the disk, the clock and the usual ports', async () => {
      const answer = await doctor(folder);
      expect(about(answer, 'program')[1]).toMatchObject({
        state: 'note',
        next: `Start one with: coterie serve --data ${folder}`,
      });
      expect(about(answer, 'disk')).toHaveLength(2);
      expect(about(answer, 'clock')).toHaveLength(1);
      // Somebody on this computer may have one of them; each is spoken of either way.
      const ports = about(answer, 'ports').map(({ text }) => text);
      expect(ports.join('\n')).toContain('7400');
      expect(ports.join('\n')).toContain('7420');
    });

    test('makes no folder, and calls a file in its place wrong', async () => {
      const none = join(folder, 'none');
      expect(about(await doctor(none), 'disk')[0].text).toContain('is not there yet');
      expect(existsSync(none)).toBe(false);
      const file = join(tmpdir(), `coterie-doctor-${process.pid}`);
      writeFileSync(file, '');
      try {
        const answer = await doctor(file);
        expect(about(answer, 'disk').at(-1)).toMatchObject({ state: 'wrong', code: 'disk-failed' });
        expect(answer.code).not.toBe(0);
      } finally {
        rmSync(file);
      }
    });
  });
});
