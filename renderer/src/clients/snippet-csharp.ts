import { authorityFile, linesOf, passwordVariable, type Target, textOf } from './snippet-target.ts';

/** It connects to all of them, and to each again when that ends. */
export function csharp({ addresses, user, tls }: Target): string {
  return linesOf(
    tls && 'using System.Security.Cryptography.X509Certificates;',
    'using StackExchange.Redis;',
    '',
    tls && `var authority = X509Certificate2.CreateFromPem(File.ReadAllText("${authorityFile}"));`,
    'var options = new ConfigurationOptions',
    '{',
    `    EndPoints = { ${addresses.map((address) => `"${textOf(address)}"`).join(', ')} },`,
    user !== null && [
      `    User = "${user}",`,
      `    Password = Environment.GetEnvironmentVariable("${passwordVariable}"),`,
    ],
    tls && '    Ssl = true,',
    '    AbortOnConnectFail = false, // go on until a node answers',
    '    ConnectRetry = 5,',
    '    ConnectTimeout = 2000,',
    '    ReconnectRetryPolicy = new ExponentialRetry(100, 1000),',
    '    // No cluster mode: every node answers for every key.',
    '    CommandMap = CommandMap.Create(["CLUSTER"], available: false),',
    '};',
    tls && [
      '// The authority vouches for computers of this cluster alone, so an address may change.',
      'options.CertificateValidation += (_, certificate, _, _) =>',
      '{',
      '    using var chain = new X509Chain();',
      '    chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;',
      '    chain.ChainPolicy.CustomTrustStore.Add(authority);',
      '    chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;',
      '    return certificate is not null && chain.Build(new X509Certificate2(certificate));',
      '};',
    ],
    'var connection = await ConnectionMultiplexer.ConnectAsync(options);',
    '',
    'await connection.GetDatabase().StringSetAsync("greeting", "hello");',
  );
}
