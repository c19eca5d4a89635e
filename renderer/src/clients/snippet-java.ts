import { authorityFile, linesOf, passwordVariable, type Target } from './snippet-target.ts';

/** Jedis 7.2 and later. The mapper is asked at every new connection: the pool itself knows one address. */
export function java({ addresses, user, tls }: Target): string {
  const nodes = addresses.map(({ host, port }) => `new HostAndPort("${host}", ${port})`);
  return linesOf(
    tls && [
      'import java.io.FileInputStream;',
      'import java.security.KeyStore;',
      'import java.security.cert.CertificateFactory;',
    ],
    'import java.time.Duration;',
    'import java.util.List;',
    'import java.util.concurrent.atomic.AtomicInteger;',
    tls && ['import javax.net.ssl.SSLContext;', 'import javax.net.ssl.TrustManagerFactory;'],
    'import redis.clients.jedis.*;',
    '',
    'public class Example {',
    '  public static void main(String[] arguments) throws Exception {',
    '    var nodes = List.of(',
    nodes.map((node, index) => `        ${node}${index + 1 === nodes.length ? ');' : ','}`),
    '    var turn = new AtomicInteger();',
    tls && [
      '    // The authority vouches for computers of this cluster alone, so an address may change.',
      '    var trusted = KeyStore.getInstance("PKCS12");',
      '    trusted.load(null, null);',
      `    try (var file = new FileInputStream("${authorityFile}")) {`,
      '      trusted.setCertificateEntry("coterie", CertificateFactory.getInstance("X.509").generateCertificate(file));',
      '    }',
      '    var trust = TrustManagerFactory.getInstance("PKIX");',
      '    trust.init(trusted);',
      '    var tls = SSLContext.getInstance("TLS");',
      '    tls.init(null, trust.getTrustManagers(), null);',
    ],
    '    var config = DefaultJedisClientConfig.builder()',
    user !== null && [`        .user("${user}")`, `        .password(System.getenv("${passwordVariable}"))`],
    tls && ['        .ssl(true)', '        .sslSocketFactory(tls.getSocketFactory())'],
    '        .hostAndPortMapper(any -> nodes.get(turn.getAndIncrement() % nodes.size())) // the next node',
    '        .build();',
    '    var pool = new ConnectionPoolConfig();',
    '    pool.setTestOnBorrow(true); // a connection to a node that is gone is not used again',
    '    try (var client = RedisClient.builder().hostAndPort(nodes.get(0)).clientConfig(config).poolConfig(pool)',
    '        .maxAttempts(30).maxTotalRetriesDuration(Duration.ofSeconds(30)).build()) {',
    '      client.set("greeting", "hello");',
    '    }',
    '  }',
    '}',
  );
}
