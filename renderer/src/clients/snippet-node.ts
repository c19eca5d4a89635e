import { authorityFile, linesOf, passwordVariable, type Target } from './snippet-target.ts';

/** `retryStrategy` changes where the next connection goes: the client itself knows one address. */
export function node({ addresses, user, tls }: Target): string {
  return linesOf(
    tls && "import { readFileSync } from 'node:fs';",
    "import { Redis } from 'ioredis';",
    '',
    'const nodes = [',
    addresses.map(({ host, port }) => `  { host: '${host}', port: ${port} },`),
    '];',
    'const redis = new Redis({',
    '  ...nodes[0],',
    user !== null && [`  username: '${user}',`, `  password: process.env.${passwordVariable},`],
    tls && [
      '  // The authority vouches for computers of this cluster alone, so an address may change.',
      `  tls: { ca: readFileSync('${authorityFile}'), checkServerIdentity: () => undefined },`,
    ],
    '  connectTimeout: 2000,',
    '  socketTimeout: 5000,',
    '  maxRetriesPerRequest: null, // a command waits for a node',
    '  retryStrategy(times) {',
    '    Object.assign(redis.options, nodes[times % nodes.length]); // the next node',
    '    return Math.min(50 * times, 1000);',
    '  },',
    '});',
    "redis.on('error', (error) => console.warn(error.message));",
    '',
    "await redis.set('greeting', 'hello');",
  );
}
