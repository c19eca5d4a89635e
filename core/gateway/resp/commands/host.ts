/**
 * CT.HOST: the cluster's host shows that it is the host, and the node that it is the node, both by the cluster's secret,
 * before the host says anything else. So nobody who listens on a dead node's port learns a key or a value, and nobody else gets
 * the places that are kept for the host (places.ts).
 *
 *   CT.HOST HELLO nonce   → [the node's nonce, the node's proof]
 *   CT.HOST PROVE proof   → OK
 *
 * Nonces and proofs are hexadecimal. One HELLO, one PROVE: a wrong one ends the connection.
 */
import { type Meeting, nonceBytes, proofBytes } from '../../../ports/mutual-proof.ts';
import { type Command, defineCommand, type Subcommands } from '../command.ts';
import { CommandError } from '../errors.ts';
import type { Request } from '../request.ts';
import { runSubcommand } from './subcommands.ts';

function readHexadecimal(bytes: Buffer, length: number): Buffer {
  const text = bytes.toString('latin1', 0, 2 * length + 1);
  if (text.length !== 2 * length || !/^[0-9a-f]+$/.test(text)) {
    throw new CommandError(`ERR ${2 * length} hexadecimal digits are expected`);
  }
  return Buffer.from(text, 'hex');
}

function hello(request: Request): void {
  const { gateway } = request;
  const proof = gateway.hostProof!;
  const meeting: Meeting = {
    caller: 'host',
    listener: `node ${gateway.store.self.name}`,
    port: gateway.port,
    callerNonce: readHexadecimal(request.argv[2], nonceBytes),
    listenerNonce: proof.nonce(),
  };
  request.sink.client!.meeting = meeting;
  const encoder = request.begin();
  encoder.array(2);
  encoder.text(meeting.listenerNonce.toString('hex'));
  encoder.text(proof.of('listener', meeting).toString('hex'));
  request.end();
}

function prove(request: Request): void {
  const client = request.sink.client!;
  const { meeting } = client;
  client.meeting = null;
  const given = readHexadecimal(request.argv[2], proofBytes);
  if (meeting !== null && request.gateway.hostProof!.holds('caller', meeting, given)) {
    client.becomeHost();
    request.ok();
    return;
  }
  request.gateway.log.warn('client closed: it could not show that it is the host', {
    address: client.remoteAddress,
  });
  request.error('NOPERM that does not show that you are the host');
  client.closeAfterReply();
}

const subcommands: Subcommands = {
  hello: { arity: 3, run: hello },
  prove: { arity: 3, run: prove },
};

export const hostCommands: readonly Command[] = [
  defineCommand('coterie', 'ct.host', -3, ['fast', 'no_auth', 'stale'], (request) => {
    // The host is on this computer, and nobody on another one is it.
    const isElsewhere = request.session.networkHost !== null;
    if (request.gateway.hostProof === null || isElsewhere)
      throw new CommandError('ERR this server has no host');
    runSubcommand('ct.host', subcommands, request);
  }),
];
