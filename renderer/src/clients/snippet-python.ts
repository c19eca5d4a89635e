import { authorityFile, linesOf, passwordVariable, type Target } from './snippet-target.ts';

/** Every new connection goes to the next node: a pool knows one address. */
export function python({ addresses, user, tls }: Target): string {
  return linesOf(
    'import itertools',
    user !== null && 'import os',
    '',
    'import redis',
    'from redis.backoff import ExponentialBackoff',
    'from redis.retry import Retry',
    '',
    'nodes = itertools.cycle([',
    addresses.map(({ host, port }) => `    ("${host}", ${port}),`),
    '])',
    '',
    '',
    `class NextNode(redis.${tls ? 'SSLConnection' : 'Connection'}):`,
    '    def _connect(self):',
    '        self.host, self.port = next(nodes)',
    '        return super()._connect()',
    '',
    '',
    'client = redis.Redis(connection_pool=redis.ConnectionPool(',
    '    connection_class=NextNode,',
    user !== null && [`    username="${user}",`, `    password=os.environ["${passwordVariable}"],`],
    tls && [
      `    ssl_ca_certs="${authorityFile}",`,
      '    ssl_check_hostname=False,  # the authority vouches for this cluster alone',
    ],
    '    socket_connect_timeout=2,',
    '    socket_timeout=5,',
    '    retry=Retry(ExponentialBackoff(cap=1, base=0.05), 20),',
    '))',
    '',
    'client.set("greeting", "hello")',
  );
}
