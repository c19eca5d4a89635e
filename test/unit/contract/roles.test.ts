import { describe, expect, it } from 'vitest';
import { type MethodName, methods } from '../../../core/contract/api.ts';
import { leastRoles, roleRefusal } from '../../../core/contract/roles.ts';

const names = Object.keys(methods) as MethodName[];
const allowedTo = (role: 'owner' | 'operator' | 'viewer') =>
  names.filter((method) => roleRefusal(method, { role, name: 'Till', isHere: true }) === null);

describe('the table of roles', () => {
  it('names every method of the contract, and none that is not there', () => {
    expect(Object.keys(leastRoles).sort()).toEqual([...names].sort());
  });

  it('lets a viewer do what changes nothing, and go on where no owner is left', () => {
    const looking = names.filter((method) => !methods[method].changes);
    expect(allowedTo('viewer').sort()).toEqual([...looking, 'computers.takeOwnership'].sort());
  });

  it('lets an operator run nodes and repairs and write keys as well, and nothing else', () => {
    const more = allowedTo('operator').filter((method) => !allowedTo('viewer').includes(method));
    expect(more).toEqual([
      ...['start', 'stop', 'restart', 'kill', 'pause', 'resume'].map((what) => `nodes.${what}`),
      ...['data.put', 'data.delete'],
      ...['run', 'pause', 'resume', 'cancel', 'retry', 'schedule', 'unschedule'].map(
        (what) => `repairs.${what}`,
      ),
    ]);
  });

  it('lets an owner do everything', () => {
    expect(allowedTo('owner')).toEqual(names);
  });

  it('says in words who may not, and what to type at an owner', () => {
    expect(roleRefusal('nodes.stop', { role: 'viewer', name: 'Till', isHere: true })).toBe(
      'This computer may look, and change nothing. To change that, at an owner: coterie computer role Till owner',
    );
    expect(roleRefusal('layout.apply', { role: 'operator', name: 'Back room', isHere: false })).toBe(
      'Back room may run the cluster, and not change what it is made of or who may use it. To change that, at an owner: coterie computer role "Back room" owner',
    );
  });
});
