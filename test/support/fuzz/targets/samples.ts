/** What computers hold in common, as it is told. */
export const pem = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';
export const authority = { certificate: pem, privateKey: pem };
export const place = { computer: 'c1', host: '10.0.0.1', port: 7_421 };
const user = {
  name: 'anna',
  createdAtMs: 1,
  salt: '00'.repeat(16),
  hash: '11'.repeat(32),
  version: 3,
  access: 'read',
  keyspaces: ['default'],
};
const token = {
  id: '0123456789ab',
  user: 'anna',
  userSinceMs: 1,
  name: 'ci',
  createdAtMs: 2,
  expiresAtMs: null,
  hash: '22'.repeat(32),
  version: 4,
};
export const access = {
  format: 1,
  version: 5,
  required: true,
  requiredVersion: 2,
  users: [user],
  gone: [{ key: 'bert', version: 1 }],
  tokens: [token],
  goneTokens: [],
};
