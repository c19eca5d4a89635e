import { authorityFile, linesOf, passwordVariable, type Target, textOf } from './snippet-target.ts';

/** The dialer tries one node after the other: the client itself knows one address. */
export function go({ addresses, user, tls }: Target): string {
  const dialer = tls
    ? 'tls.Dialer{NetDialer: &net.Dialer{Timeout: 2 * time.Second}, Config: config}'
    : 'net.Dialer{Timeout: 2 * time.Second}';
  return linesOf(
    'package main',
    '',
    'import (',
    '\t"context"',
    tls && ['\t"crypto/tls"', '\t"crypto/x509"'],
    '\t"net"',
    (tls || user !== null) && '\t"os"',
    '\t"time"',
    '',
    '\t"github.com/redis/go-redis/v9"',
    ')',
    '',
    `var nodes = []string{${addresses.map((address) => `"${textOf(address)}"`).join(', ')}}`,
    '',
    'func main() {',
    tls && [
      `\tpem, err := os.ReadFile("${authorityFile}")`,
      '\tif err != nil {',
      '\t\tpanic(err)',
      '\t}',
      '\troots := x509.NewCertPool()',
      '\troots.AppendCertsFromPEM(pem)',
      '\t// Checked below: the authority vouches for computers of this cluster alone, so an address may change.',
      '\tconfig := &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(state tls.ConnectionState) error {',
      '\t\t_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots})',
      '\t\treturn err',
      '\t}}',
    ],
    `\tdialer := ${dialer}`,
    '\tclient := redis.NewClient(&redis.Options{',
    '\t\tDialer: func(ctx context.Context, _, _ string) (conn net.Conn, err error) {',
    '\t\t\tfor _, node := range nodes {',
    '\t\t\t\tif conn, err = dialer.DialContext(ctx, "tcp", node); err == nil {',
    '\t\t\t\t\treturn conn, nil',
    '\t\t\t\t}',
    '\t\t\t}',
    '\t\t\treturn nil, err',
    '\t\t},',
    user !== null && [
      `\t\tUsername:        "${user}",`,
      `\t\tPassword:        os.Getenv("${passwordVariable}"),`,
    ],
    '\t\tMaxRetries:      12,',
    '\t\tMaxRetryBackoff: time.Second,',
    '\t})',
    '',
    '\tif err := client.Set(context.Background(), "greeting", "hello", 0).Err(); err != nil {',
    '\t\tpanic(err)',
    '\t}',
    '}',
  );
}
