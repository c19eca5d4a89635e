/**
 * Holds ARCHITECTURE.md's arrow table: walks every import and fails on a wrong arrow, a cycle, a file or an export that
 * nobody uses, a banned global in the pure layer, and a file of more than 300 lines that gives no reason.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

const pure = ['versions', 'ring', 'layout', 'membership', 'quorum', 'merkle', 'wire'].map(
  (name) => `core/${name}`,
);
const effects = ['storage', 'replication', 'repair', 'platform', 'security', 'discovery'].map(
  (name) => `core/${name}`,
);

const own = 'core/node';
const everyday = ['core/base', 'core/contract', 'core/ports'];

/** Which layers each layer may import: the table of ARCHITECTURE.md. A layer is a folder; itself is always allowed. */
const allowed: Record<string, readonly string[]> = {
  'core/base': [],
  'core/contract': ['core/base'],
  'core/ports': ['core/base'],
  ...Object.fromEntries(pure.map((layer) => [layer, ['core/base', 'core/ports', ...others(pure, layer)]])),
  ...Object.fromEntries(effects.map((layer) => [layer, ['core/base', 'core/ports', ...pure]])),
  [own]: ['core/base', 'core/ports', ...pure, 'core/replication', 'core/repair'],
  'core/gateway': [...everyday, 'core/wire'],
  'core/node-process': [...everyday, ...pure, ...effects, own, 'core/gateway'],
  'core/host': [...everyday, ...pure, ...effects, own, 'core/gateway', 'core/node-process'],
  'core/cli': [...everyday, ...pure, ...effects, own, 'core/gateway', 'core/node-process', 'core/host'],
  electron: [...everyday, 'core/platform', 'core/node-process', 'core/host', 'core/cli/paths.ts'],
  renderer: ['core/contract'],
};

function others(group: readonly string[], layer: string): string[] {
  return group.filter((other) => other !== layer);
}

const layers = Object.keys(allowed).sort((a, b) => b.length - a.length);
const layerOf = (file: string) => layers.find((layer) => file.startsWith(`${layer}/`));

function filesUnder(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter(
      (name) => /\.(ts|svelte)$/.test(name) && !name.endsWith('.d.ts') && !name.includes('node_modules'),
    );
}

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

const importPattern =
  /(?:^|\n)\s*(import|export)\s+(type\s+)?([^'";]*?)\s*(?:from\s*)?'([^']+)'|import\('([^']+)'\)/g;

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  for (const match of textOf(file).matchAll(importPattern)) {
    const target = match[4] ?? match[5];
    const names = match[3] ?? '';
    const onlyTypes =
      match[2] !== undefined || (/^\{/.test(names) && !/[{,]\s*(?!type\b)[A-Za-z_$]/.test(names));
    found.push({ target, typeOnly: onlyTypes });
  }
  return found;
}

/** Path within the repository of a relative import; null for packages. */
function pathOf(file: string, target: string): string | null {
  if (!target.startsWith('.')) return null;
  return relative(root, resolve(root, dirname(file), target.replace(/\?.*$/, ''))).replaceAll('\\', '/');
}

const sources = ['core', 'electron', 'renderer'].flatMap(filesUnder);
const entries = [
  'core/cli/main.ts',
  'core/node-process/main.ts',
  'electron/main.ts',
  'electron/desktop.ts',
  'electron/preload.ts',
  'renderer/src/main.ts',
  'renderer/vite.config.ts',
];

/** Files of more than 300 lines, and what keeps each from being two. */
const longBecause: Readonly<Record<string, string>> = {
  'core/gateway/resp/connection.ts':
    'the order of replies, of pushes and of the end of one connection is one state',
  'core/host/nodes/node-supervisor.ts': 'every state of a process and what leads out of it, side by side',
  'core/platform/tcp-peer-network.ts':
    'dialling, greeting, replacing and watching change the same table of links',
  'core/replication/coordinator/keyspace-walk.ts':
    'scan, count and flush share the guard and the choice of a replica',
  'core/replication/coordinator/store.ts': 'the whole port of a store, a method each',
  'core/replication/coordinator/write-operation.ts':
    'one write from its first byte to its answer, with every way it can fail',
  'core/replication/handoff/hint-store.ts': 'the ledger must change with what is stored, in the same place',
  'core/storage/append-head.ts': 'the hot path of a write, laid out for one pass',
  'core/storage/hot-cache.ts': 'one table by hand, whose parts know its layout',
  'core/storage/key-index.ts': 'one table by hand, whose parts know its layout',
  'core/storage/log-engine.ts': 'the whole port of an engine, a method each',
  'core/storage/recovery.ts': 'one pass over what a crash may have left',
  'core/versions/record-codec.ts': 'one format, read and written',
};

describe('the architecture', () => {
  it('lets every import follow the arrow table', () => {
    const wrong: string[] = [];
    for (const file of sources) {
      const layer = layerOf(file);
      if (layer === undefined) {
        wrong.push(`${file} is in no layer: add its folder to the table`);
        continue;
      }
      for (const { target } of importsOf(file)) {
        const path = pathOf(file, target);
        if (path === null || path === layer || path.startsWith(`${layer}/`) || path === 'package.json')
          continue;
        if (allowed[layer].some((other) => path === other || path.startsWith(`${other}/`))) continue;
        wrong.push(
          `${file} imports ${path}; ${layer} may import only: ${allowed[layer].join(', ') || 'nothing'}`,
        );
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has no cycle of imports', () => {
    const graph = new Map(
      sources.map((file) => [
        file,
        importsOf(file)
          .filter(({ typeOnly }) => !typeOnly)
          .map(({ target }) => pathOf(file, target))
          .filter((path): path is string => path !== null),
      ]),
    );
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
        return;
      }
      state.set(file, 'open');
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('keeps clocks, random numbers, timers, promises and Node out of the pure layer', () => {
    const banned: [RegExp, string][] = [
      [/\bDate\b/, 'Date'],
      [/\bMath\.random\b/, 'Math.random'],
      [/\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/, 'a timer'],
      [/\bPromise\b|\basync\b|\bawait\b/, 'a promise'],
      [/from 'node:/, 'a Node module'],
      [/\bconsole\b|\bprocess\./, 'console or process'],
    ];
    const wrong: string[] = [];
    for (const file of sources.filter((name) => pure.some((layer) => name.startsWith(`${layer}/`)))) {
      const code = textOf(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      for (const [pattern, what] of banned) if (pattern.test(code)) wrong.push(`${file} uses ${what}`);
    }
    expect(wrong).toEqual([]);
  });

  it('keeps clocks and timers of the system out of everything that runs in the simulation', () => {
    const simulated = ['core/storage', 'core/replication', 'core/repair', 'core/node'];
    const banned =
      /\b(Date\.now|new Date|Math\.random|setTimeout|setInterval|setImmediate|performance\.now)\b|from 'node:(fs|net|os)/;
    const wrong = sources
      .filter((file) => simulated.some((layer) => file.startsWith(`${layer}/`)))
      .filter((file) => banned.test(textOf(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')));
    expect(wrong).toEqual([]);
  });

  it('has no file that nothing imports', () => {
    const everything = [...sources, ...filesUnder('test')];
    const imported = new Set(
      everything.flatMap((file) => importsOf(file).map(({ target }) => pathOf(file, target))),
    );
    const unused = sources.filter((file) => !imported.has(file) && !entries.includes(file));
    expect(unused).toEqual([]);
  });

  it('defines nothing at the top of a file that nobody uses', () => {
    const everything = [...sources, ...filesUnder('test')].map((file) => ({ file, text: textOf(file) }));
    const unused: string[] = [];
    for (const file of sources.filter((name) => name.endsWith('.ts') && !entries.includes(name))) {
      // The contract is for others: a type of it may wait for its first user.
      if (file.startsWith('core/contract/')) continue;
      const text = textOf(file);
      for (const match of text.matchAll(
        /^export (?:abstract )?(?:async )?(?:class|function\*?|const|interface|type) (\w+)/gm,
      )) {
        const name = match[1];
        const word = new RegExp(`\\b${name}\\b`, 'g');
        const inside = [...text.matchAll(word)].length;
        const outside = everything.some((other) => other.file !== file && word.test(other.text));
        if (!outside && inside <= 1) unused.push(`${file}: ${name}`);
      }
    }
    expect(unused).toEqual([]);
  });

  it('declares no member of a class that nobody uses', () => {
    const uses = new Set<string>();
    const declared = new Map<string, string>();
    for (const file of sources) {
      if (file.endsWith('.svelte')) {
        for (const [word] of textOf(file).matchAll(/[A-Za-z_$][\w$]*/g)) uses.add(word);
        continue;
      }
      const visit = (node: ts.Node): void => {
        if (ts.isClassDeclaration(node)) {
          for (const { name } of node.members) {
            if (name !== undefined && ts.isIdentifier(name)) declared.set(name.text, file);
          }
        }
        if (ts.isPropertyAccessExpression(node)) uses.add(node.name.text);
        if (ts.isBindingElement(node)) uses.add((node.propertyName ?? node.name).getText());
        if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal)) uses.add(node.literal.text);
        ts.forEachChild(node, visit);
      };
      visit(ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, true));
    }
    expect([...declared].filter(([name]) => !uses.has(name))).toEqual([]);
  });

  it('keeps files within 300 lines, but for a few that say why', () => {
    const long = sources.filter((file) => textOf(file).split('\n').length > 301);
    expect(long.filter((file) => longBecause[file] === undefined)).toEqual([]);
    expect(Object.keys(longBecause).filter((file) => !long.includes(file))).toEqual([]);
  });

  it('allows what the table of ARCHITECTURE.md says, no more and no less', () => {
    const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const named = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    const groups: Record<string, readonly string[]> = { pure, effects };
    const table = new Map<string, string[]>();
    for (const [, left, right] of page.matchAll(/^\| ([^|]*`[^|]*) \| ([^|]+) \| [^|]+ \|$/gm)) {
      const layersOfRow = named(left).filter((name) => allowed[name] !== undefined);
      for (const layer of layersOfRow) {
        const words = right.split(',').map((word) => word.trim());
        const may = words.flatMap((word) => {
          if (word === 'nothing') return [];
          if (word === 'each other') return others(layersOfRow, layer);
          return groups[word] ?? [word.includes('.') || word === 'electron' ? word : `core/${word}`];
        });
        table.set(layer, may.sort());
      }
    }
    const tested = Object.entries(allowed).map(([layer, may]) => [layer, [...may].sort()] as const);
    expect(Object.fromEntries(table)).toEqual(Object.fromEntries(tested));
  });

  it('points in its documents at files that are there', () => {
    const files = [...sources, ...filesUnder('test')];
    const designs = layers
      .map((layer) => `${layer}/DESIGN.md`)
      .filter((path) => existsSync(join(root, path)));
    const missing: string[] = [];
    for (const page of ['ARCHITECTURE.md', 'README.md', 'CLIENTS.md', 'CONTRIBUTING.md', ...designs]) {
      for (const [, name] of textOf(page).matchAll(/`([\w/.-]+\.(?:ts|svelte))`/g)) {
        if (!files.some((file) => file === name || file.endsWith(`/${name}`)))
          missing.push(`${page}: ${name}`);
      }
    }
    expect(missing).toEqual([]);
  });
});
