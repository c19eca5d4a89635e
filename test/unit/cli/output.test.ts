import { describe, expect, it } from 'vitest';
import { type Output, show, table } from '../../../core/cli/output.ts';
import { clusterName } from '../../../core/contract/names.ts';

const hostile = 'v\u001b]0;x\u0007\u009b2J\u202e\nline';

function shown(settings: Pick<Output, 'json' | 'terminal'>): string {
  let out = '';
  const write = (text: string) => {
    out += text;
  };
  show({ ...settings, write }, { value: hostile }, () => hostile);
  return out;
}

describe('what the command line prints', () => {
  it('is harmless on a terminal', () => {
    expect(shown({ json: false, terminal: true })).toBe('v\\u{1b}]0;x\\u{7}\\u{9b}2J\\u{202e}\nline\n');
    const json = shown({ json: true, terminal: true });
    for (const unsafe of ['\u001b', '\u0007', '\u009b', '\u202e']) expect(json).not.toContain(unsafe);
    expect(JSON.parse(json)).toEqual({ value: hostile });
  });

  it('is byte for byte the value elsewhere', () => {
    expect(shown({ json: false, terminal: false })).toBe(`${hostile}\n`);
  });

  it('is one line for a cell of a table', () => {
    expect(table(['NAME'], [['a\nfake  up\u001b[2J']]).split('\n')).toHaveLength(2);
  });
});

describe('the name of a cluster', () => {
  it.each(['', '   ', 'a\u001b[2J', 'a\nb', 'a\u202eb', 'a\u009b', 'x'.repeat(64)])('is not %j', (name) => {
    expect(clusterName.safeParse(name).success).toBe(false);
  });
  it.each(['My cluster', 'Zoë’s café', '家族 👨‍👩‍👧'])('may be %s', (name) => {
    expect(clusterName.parse(name)).toBe(name);
  });
});
