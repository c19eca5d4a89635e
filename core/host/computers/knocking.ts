/**
 * How a computer asks a cluster to be let in: it calls one of its computers, sees by the certificates that this is the cluster whose
 * authority the join code names, and only then shows, for this one connection, that it holds the code's secret.
 */
import { X509Certificate } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { CoterieError } from '../../base/errors.ts';
import { answerIn } from '../../platform/computer-calls.ts';
import type { Place } from '../../platform/peer-transport.ts';
import { certificateFingerprint } from '../../security/fingerprints.ts';
import { type JoinCode, joinExporter, joinProof } from '../../security/join-code.ts';
import { type JoinAnswer, type JoinBody, joinAnswer } from './join-messages.ts';

const answerWithinMs = 8_000;

/**
 * Rejects with `unavailable` where nobody answers, `unauthorized` where it is another cluster than the code's, or the code is refused.
 */
export async function knock(
  at: Place,
  { secret, fingerprint }: Pick<JoinCode, 'secret' | 'fingerprint'>,
  body: JoinBody,
): Promise<JoinAnswer> {
  const socket = await greet(at);
  try {
    if (!isOfAuthority(socket, fingerprint)) {
      throw new CoterieError(
        'unauthorized',
        `${at.host}:${at.port} is not a computer of the cluster that the join code is for. Nothing was told to it. Check the address; if it is right, somebody may be in between.`,
        { isAnotherCluster: true },
      );
    }
    const text = JSON.stringify(body);
    const exporter = socket.exportKeyingMaterial(joinExporter.bytes, joinExporter.label, Buffer.alloc(0));
    const proof = joinProof(secret, exporter, Buffer.from(text)).toString('hex');
    const answer = await post(socket, at, Buffer.from(JSON.stringify({ body: text, proof })));
    const parsed = joinAnswer.safeParse(JSON.parse(answer.toString()));
    if (parsed.success) return parsed.data;
    throw new CoterieError('unavailable', `${at.host}:${at.port} gave no answer that can be understood.`);
  } finally {
    socket.destroy();
  }
}

/** Whether who answered is not of the cluster that the code names. */
export function isAnotherCluster({ details }: CoterieError): boolean {
  return details.isAnotherCluster === true;
}

function greet({ host, port }: Place): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // Who answers is checked below, against the code and not against anybody's list of authorities.
    const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
    const fail = (why: string) => {
      socket.destroy();
      reject(new CoterieError('unavailable', `${host}:${port} does not answer: ${why}.`));
    };
    socket.setTimeout(answerWithinMs, () => fail('no answer in time'));
    socket.on('error', ({ message }) => fail(message));
    socket.once('secureConnect', () => resolve(socket));
  });
}

/** Its certificate is signed by the authority that the code names; that it holds the key is what the handshake has shown. */
function isOfAuthority(socket: TLSSocket, fingerprint: Buffer): boolean {
  const own = socket.getPeerCertificate(true);
  const above = own.issuerCertificate?.raw as Buffer | undefined;
  if (own.raw === undefined || above === undefined) return false;
  const certificate = new X509Certificate(own.raw);
  const authority = new X509Certificate(above);
  return (
    certificateFingerprint(above).subarray(0, fingerprint.length).equals(fingerprint) &&
    authority.ca &&
    certificate.checkIssued(authority) &&
    certificate.verify(authority.publicKey)
  );
}

function post(socket: TLSSocket, { host, port }: Place, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(
        cause instanceof CoterieError
          ? cause
          : new CoterieError('unavailable', `${host}:${port} hung up: ${cause.message}.`),
      );
    const agent = new Agent();
    agent.createConnection = () => socket;
    const asked = request(
      {
        ...{ host, port, path: '/join', method: 'POST', agent },
        headers: { 'Content-Type': 'application/json', 'Content-Length': body.length },
      },
      (response) => answerIn(response).then(resolve, fail),
    );
    asked.on('error', fail);
    asked.end(body);
  });
}
