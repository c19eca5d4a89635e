import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import type { HostActions } from '../../../core/host/api-handlers.ts';
import { AppliedElsewhere } from '../../../core/host/computers/applied-elsewhere.ts';
import type { ComputerNews } from '../../../core/host/computers/messages.ts';
import { repairHandlers } from '../../../core/host/repair-handlers.ts';

const anna = { sessionId: null, name: 'anna' };

/** `computer`: runs the repair, and answers like this. */
function hostWith(computer: string | null, answer: () => Promise<unknown> = async () => ({})) {
  const asked: unknown[][] = [];
  const decided: string[][] = [];
  const host = {
    repairs: {
      whereIs: () => ({ id: 'whole-id', computer }),
      pause: (...what: string[]) => decided.push(what),
    },
    lan: {
      computers: {
        call: (...what: unknown[]) => {
          asked.push(what);
          return answer();
        },
      },
    },
  } as unknown as HostActions;
  return { pause: repairHandlers(host)['repairs.pause'], asked, decided };
}

describe('a decision about a repair', () => {
  it('is passed on to the computer that runs it, with who asked', async () => {
    const { pause, asked, decided } = hostWith('other');
    await pause({ id: 'whol' }, anna);
    expect(asked).toEqual([['other', 'repairs.pause', { id: 'whole-id' }, 'anna']]);
    expect(decided).toEqual([]);
  });

  it('is made here where the repair runs here, and where its computer is not reached after all', async () => {
    const here = hostWith(null);
    await here.pause({ id: 'whol' }, anna);
    expect([here.asked, here.decided]).toEqual([[], [['whole-id', 'anna']]]);
    const gone = hostWith('other', () => Promise.reject(new CoterieError('unavailable', 'gone')));
    await gone.pause({ id: 'whol' }, anna);
    expect(gone.decided).toEqual([['whole-id', 'anna']]);
  });

  it('is refused as the computer that runs it refuses it', async () => {
    const { pause, decided } = hostWith('other', () => Promise.reject(new CoterieError('conflict', 'ended')));
    await expect(pause({ id: 'whol' }, anna)).rejects.toThrow('ended');
    expect(decided).toEqual([]);
  });

  it('that was passed on is not passed on again, and is noted as of that computer', async () => {
    const { pause, asked, decided } = hostWith('other');
    await pause({ id: 'whol' }, { ...anna, from: 'Front desk' });
    expect([asked, decided]).toEqual([[], [['whole-id', 'anna at Front desk']]]);
  });
});

describe('changes that were applied elsewhere', () => {
  const news = (...versions: number[]) =>
    ({
      applied: versions.map((version) => ({ version, by: 'anna', changes: [] })),
    }) as unknown as ComputerNews;

  it('are told once each, oldest first, and not those from before the start', () => {
    const told: number[] = [];
    const elsewhere = new AppliedElsewhere(4, ({ version }) => told.push(version));
    elsewhere.heard('one', news(6, 5, 4));
    elsewhere.heard('one', news(6, 5, 4));
    elsewhere.heard('two', news(5));
    elsewhere.heard('one', news(7, 6));
    elsewhere.heard('three', {} as ComputerNews);
    expect(told).toEqual([5, 6, 5, 7]);
  });
});
