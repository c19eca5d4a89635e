/**
 * The clients of CLIENTS.md, made by the page's own code, so that what is tested is what people copy. Only the ports are others.
 * The text under a heading is JavaScript of this repository; nothing from elsewhere is run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as ioredis from 'ioredis';
import * as redis from 'redis';

const page = readFileSync(join(import.meta.dirname, '../../CLIENTS.md'), 'utf8');
const documentedPorts = [7379, 7380, 7381];
const imports = /^import \{ (.*) \} from '(.*)';$/gm;
const packages: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { ioredis, redis };

export type Again = <T>(operation: () => Promise<T>) => Promise<T>;

const sections = page.split(/^#{2,4} /m);

/** Of all sections with code in JavaScript. */
export function documentedHeadings(): string[] {
  return sections.filter((text) => text.includes('```js\n')).map((text) => text.slice(0, text.indexOf('\n')));
}

/** The code under a heading, for a cluster at these ports; it fails where there is none. */
export function documentedCode(heading: string, language: 'js' | 'python', ports: readonly number[]): string {
  const section = sections.find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const code = section.split(`\`\`\`${language}\n`)[1]?.split('```')[0];
  if (code === undefined) throw new Error(`CLIENTS.md has no code under "${heading}".`);
  return code.replace(/\b(?:7379|738[01])\b/g, (port) =>
    String(ports[documentedPorts.indexOf(Number(port))]),
  );
}

/** What the code under a heading names `result`. */
async function run(heading: string, result: string, ports: readonly number[]): Promise<unknown> {
  const scope: Record<string, unknown> = { console: { warn: () => {} }, setTimeout };
  let code = documentedCode(heading, 'js', ports);
  for (const [, names, from] of code.matchAll(imports)) {
    for (const name of names.split(', ')) scope[name] = packages[from][name];
  }
  code = code.replace(imports, '');
  const body = `return (async () => { ${code}\nreturn { ${result} }; })();`;
  const made = compileFunction(body, Object.keys(scope))(...Object.values(scope));
  return ((await made) as Record<string, unknown>)[result];
}

/** A plain client begins at the first of the ports. */
export async function documentedClient(heading: string, ports: readonly number[]): Promise<unknown> {
  return run(heading, 'client', ports);
}

export async function documentedAgain(): Promise<Again> {
  return (await run('Repeating by hand', 'again', documentedPorts)) as Again;
}
