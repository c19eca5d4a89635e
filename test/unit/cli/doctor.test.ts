import { describe, expect, it } from 'vitest';
import { clockFindings } from '../../../core/cli/doctor/clock-findings.ts';
import { type DiskFacts, diskFindings } from '../../../core/cli/doctor/disk-findings.ts';
import { examinationCode, examinationText } from '../../../core/cli/doctor/doctor-command.ts';
import { fine, note, wrong } from '../../../core/cli/doctor/finding.ts';
import { type TriedPort, usedFindings, wantedFindings } from '../../../core/cli/doctor/port-findings.ts';
import { computerFindings, programFindings } from '../../../core/cli/doctor/program-findings.ts';
import type { Checkup, OtherVersion } from '../../../core/contract/checkup-views.ts';

const gibi = 1024 ** 3;
const statesOf = (findings: readonly { state: string; code: string | null }[]) =>
  findings.map(({ state, code }) => (code === null ? state : `${state} ${code}`));

describe('the doctor on the disk', () => {
  const disk: DiskFacts = {
    folder: '/srv/coterie',
    exists: true,
    space: { totalBytes: 100 * gibi, usedBytes: 40 * gibi, freeBytes: 60 * gibi },
    syncedWriteMs: 0.4,
    writeCode: null,
  };
  const on = (facts: Partial<DiskFacts>) => diskFindings({ ...disk, ...facts });
  const free = (bytes: number) => ({ space: { totalBytes: 100 * gibi, usedBytes: 0, freeBytes: bytes } });

  it('finds one with room that keeps up well, and one that is not used yet', () => {
    expect(statesOf(on({}))).toEqual(['fine', 'fine']);
    expect(on({})[0].text).toBe('60.0 GiB of 100.0 GiB are free on the disk of /srv/coterie.');
    expect(on({})[1].text).toBe('A small write takes 0.4 ms until it is durable.');
    const unused = on({ exists: false, syncedWriteMs: null });
    expect(statesOf(unused)).toEqual(['fine', 'fine']);
    expect(unused[0].text).toContain('the first start makes it');
  });

  it('warns of little room, and calls next to none wrong', () => {
    expect(statesOf(on(free(9 * gibi)))).toEqual(['note', 'fine']);
    expect(statesOf(on(free(gibi / 5)))).toEqual(['wrong disk-full', 'fine']);
  });

  it('makes nothing of a file system that does not say how large it is', () => {
    expect(statesOf(on(free(0)).slice(0, 1))).toEqual(['wrong disk-full']);
    expect(statesOf(on({ space: { totalBytes: 0, usedBytes: 0, freeBytes: 0 } }))).toEqual(['note', 'fine']);
    expect(on({ space: 'no such call' })[0].text).toContain('no such call');
  });

  it('says why nothing can be written, with what to do', () => {
    const failing = (writeCode: string) => on({ syncedWriteMs: `it said ${writeCode}`, writeCode })[1];
    expect([failing('ENOSPC').code, failing('EACCES').code, failing('EROFS').code]).toEqual([
      'disk-full',
      'forbidden',
      'disk-failed',
    ]);
    expect(failing('EACCES').next).toContain('--data FOLDER');
    expect(failing('EWEIRD').text).toContain('it said EWEIRD');
  });

  it('says that a disk is slow', () => {
    const [, slow] = on({ syncedWriteMs: 43.2 });
    expect([slow.state, slow.text]).toEqual([
      'note',
      'A small write takes 43 ms until it is durable. That is slow.',
    ]);
  });
});

describe('the doctor on the clock', () => {
  const nowMs = 1_800_000_000_000;
  const other = (
    computer: string,
    clockAheadMs: number | null,
    state: OtherVersion['state'] = 'reached',
  ) => ({
    ...{ computer, clockAheadMs, state },
  });
  const on = (facts: Partial<Parameters<typeof clockFindings>[0]>) =>
    clockFindings({ nowMs, newestFileMs: null, jump: null, others: [], ...facts });

  it('finds clocks that agree well', () => {
    expect(
      statesOf(on({ newestFileMs: nowMs - 1, others: [other('Till', 900), other('Gate', -300)] })),
    ).toEqual(['fine']);
    expect(on({ others: [other('Till', 900), other('Gate', -300)] })[0].text).toContain('2 other computers');
  });

  it('names the other computer whose clock differs, for nobody knows which of two is wrong', () => {
    const [found] = on({ others: [other('Till', 300_000)] });
    expect(found.code).toBe('conflict');
    expect(found.text).toContain('The clock of Till is 5 minutes ahead of the one here.');
    expect(on({ others: [other('Till', -90_000), other('Gate', 10)] })[0].text).toContain(
      'Till is 90 s behind',
    );
  });

  it('says that it is this one where all others differ on the same side', () => {
    const [found, ...more] = on({ others: [other('Till', 4 * 3_600_000), other('Gate', 3 * 3_600_000)] });
    expect(more).toEqual([]);
    expect(found.text).toContain('The clock of this computer is 3 hours or more behind of all others.');
    expect(on({ others: [other('Till', 60_000), other('Gate', -60_000)] }).length).toBe(2);
  });

  it('makes nothing of computers that are away or do not tell', () => {
    expect(statesOf(on({ others: [other('Till', 300_000, 'away'), other('Gate', null)] }))).toEqual(['fine']);
  });

  it('sees that it was set back, by what it did or by what was written since', () => {
    expect(statesOf(on({ newestFileMs: nowMs + 3_600_000 }))).toEqual(['wrong conflict']);
    const back = on({ jump: { atMs: nowMs, byMs: -30_000 } });
    expect([back[0].state, back[0].text]).toEqual(['note', expect.stringContaining('set back by 30 s')]);
    expect(on({ jump: { atMs: nowMs, byMs: 7_200_000 } })[0].text).toContain('or the computer slept');
  });
});

describe('the doctor on ports', () => {
  const wanted: TriedPort = {
    ...{ protocol: 'tcp', port: 7379, use: 'Redis clients of node-1', option: '--client-port', moves: false },
    ...{ state: 'free', owner: null },
  };
  const on = (...changes: Partial<TriedPort>[]) =>
    wantedFindings(
      changes.map((change) => ({ ...wanted, ...change })),
      'linux',
    );

  it('lists free ones in ranges', () => {
    const [found] = on({ port: 7411, protocol: 'udp' }, {}, { port: 7380 }, { port: 7400 });
    expect([found.state, found.text]).toEqual([
      'fine',
      'All ports of a usual start are free: TCP 7379-7380, 7400 and UDP 7411.',
    ]);
  });

  it('names who has one, and how to choose another', () => {
    const [found] = on({ state: 'taken', owner: { name: 'redis-server', pid: 812 } });
    expect(found.text).toBe('TCP 7379 (Redis clients of node-1) is used by redis-server (process 812).');
    expect([found.code, found.next]).toEqual([
      'busy',
      'End it, or choose another port: coterie serve --client-port PORT.',
    ]);
  });

  it('says how to see who has one, by the means of the system', () => {
    const next = (platform: NodeJS.Platform) =>
      wantedFindings([{ ...wanted, state: 'taken' }], platform)[0].next;
    expect(next('linux')).toContain('ss -lntup');
    expect(next('darwin')).toContain('lsof -nP -i :7379');
    expect(next('win32')).toContain('netstat -ano | findstr :7379');
  });

  it('only notes one in whose place the next is taken', () => {
    expect(statesOf(on({ state: 'taken', moves: true }, {}))).toEqual(['note', 'fine']);
  });

  it('tells what is refused from what is taken', () => {
    expect(statesOf(on({ state: 'refused' }))).toEqual(['wrong forbidden']);
  });

  it('says of a running host which ports a firewall has to let in, and which are for nobody else', () => {
    const peer = (port: number) =>
      (['tcp', 'udp'] as const).map((protocol) => ({
        ...{ protocol, port, use: `between nodes, node-${port - 7409}`, reachedFrom: 'computers' as const },
      }));
    const here = {
      protocol: 'tcp',
      port: 7379,
      use: 'Redis clients of node-1',
      reachedFrom: 'here',
    } as const;
    const found = usedFindings([here, ...peer(7410), ...peer(7411)]);
    expect(statesOf(found)).toEqual(['fine', 'note']);
    expect(found[0].text).toContain('TCP 7379 (Redis clients of node-1)');
    expect(found[1].text).toContain('TCP 7410 and UDP 7410 (between nodes, node-1)');
    expect(found[1].next).toContain('TCP 7410-7411 and UDP 7410-7411');
    expect(statesOf(usedFindings([here]))).toEqual(['fine']);
  });
});

describe('the doctor on versions', () => {
  const program = { version: '0.2.0', runtime: 'Node 20.20.2', system: 'Linux' };
  const till: OtherVersion = {
    ...{ computer: 'Till', state: 'reached', version: '0.2.0', layoutVersion: 7, clockAheadMs: 0 },
  };
  const host: Checkup = {
    ...{ version: '0.2.0', runtime: 'Node 20.20.2', protocol: { newest: 4, oldest: 4 }, layoutVersion: 7 },
    ...{ clockJump: null, ports: [], others: [till] },
  };
  const others = (...changes: Partial<OtherVersion>[]) =>
    computerFindings({ ...host, others: changes.map((change) => ({ ...till, ...change })) });

  it('names program, runtime, layout and protocol', () => {
    expect(programFindings(program, null).map(({ text }) => text)).toEqual([
      'Coterie 0.2.0 with Node 20.20.2 on Linux.',
    ]);
    expect(programFindings(program, host)[1].text).toBe(
      'The host is with layout 7; between nodes it speaks protocol 4.',
    );
  });

  it('notes a host that was started by another version than the command', () => {
    const found = programFindings(program, { ...host, version: '0.1.0' });
    expect(statesOf(found)).toEqual(['fine', 'fine', 'note']);
    expect(found[2].next).toContain('Start it anew');
  });

  it('finds computers of one version and layout well', () => {
    expect(statesOf(others({}))).toEqual(['fine']);
    expect(computerFindings({ ...host, others: [] })).toEqual([]);
  });

  it('names those of another version, those that are away, and those with another layout', () => {
    const found = others(
      { computer: 'Old', version: '0.1.0' },
      { computer: 'Off', state: 'away', version: null },
      { computer: 'Late', layoutVersion: 6 },
    );
    expect(statesOf(found)).toEqual(['wrong unsupported', 'wrong unavailable', 'note']);
    expect(found[0].text).toBe('Old runs Coterie 0.1.0, and this computer 0.2.0.');
    expect(found[1].text).toBe('Not heard of: Off.');
    expect(found[2].text).toBe('Late has layout 6, and this computer 7.');
  });
});

describe('an examination', () => {
  const findings = [
    fine('disk', 'Well.'),
    note('clock', 'Odd.', 'See.'),
    wrong('ports', 'busy', 'Taken.', 'End it.'),
  ];

  it('ends with the code of the first thing that is wrong, by its kind', () => {
    expect(examinationCode({ findings: findings.slice(0, 2) })).toBe(0);
    expect(examinationCode({ findings })).toBe(4);
    expect(examinationCode({ findings: [wrong('disk', 'disk-full', '', ''), ...findings] })).toBe(1);
  });

  it('is a line for each thing, with what to do under it', () => {
    expect(examinationText({ findings, interfaces: [] }).split('\n')).toEqual([
      'fine   disk       Well.',
      'note   clock      Odd.',
      '                  Next: See.',
      'WRONG  ports      Taken.',
      '                  Next: End it.',
    ]);
  });

  it('shows what goes out and comes in at each interface, where the host does that', () => {
    const eth0 = {
      name: 'eth0',
      kind: 'wired',
      addresses: ['192.168.1.20'],
      used: true,
      sent: 9,
      received: 0,
    } as const;
    const text = examinationText({
      findings,
      interfaces: [
        {
          ...eth0,
          addresses: [...eth0.addresses],
          lastError: null,
          cause: 'Nothing was heard.',
          fix: 'Allow it.',
        },
      ],
    });
    expect(text).toContain(
      '\neth0       wired  yes   9     0      192.168.1.20\n\neth0: Nothing was heard.\n  Allow it.',
    );
  });
});
