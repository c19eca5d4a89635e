/** What a computer that wants to come in and one of the cluster say to each other. Whoever reads it checks all of it. */
import { z } from 'zod';
import { computerName } from '../../contract/computer-views.ts';
import { knownPlace } from './messages.ts';

const hex = (chars: number) => z.string().regex(new RegExp(`^[0-9a-f]{${chars}}$`));

/** `body` is one of those below as JSON; `proof` shows for its bytes, and for this one connection, that the asker holds the code. */
export const provedRequest = z.object({ body: z.string().max(8_192), proof: hex(64) });

export const joinBody = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ask'),
    /** Of the invitation. */
    invitation: hex(4),
    /** SubjectPublicKeyInfo as DER in base64. */
    publicKey: z.base64().max(400),
    computer: computerName,
    nodes: z.number().int().min(1).max(16),
    /** Its computer port, and where it listens; null: at the address it calls from. */
    port: z.number().int().min(1).max(65_535),
    host: z.string().max(255).nullable(),
    version: z.string().max(64),
  }),
  z.object({ kind: z.literal('look'), request: z.string().max(64) }),
]);
export type JoinBody = z.infer<typeof joinBody>;

const pem = z.string().startsWith('-----BEGIN ').max(8_192);

/** All that makes a computer one of the cluster. */
const grant = z.object({
  clusterId: z.string().max(255),
  /** Its id in the layout. */
  computer: z.string().max(255),
  certificate: pem,
  authority: z.object({ certificate: pem, privateKey: pem }),
  /** The cluster's, in hexadecimal. */
  secret: hex(64),
  /** As layout-messages.ts has them, oldest first. */
  live: z.array(z.unknown()).min(1).max(64),
  places: z.array(knownPlace).max(1_000),
});
export type Grant = z.infer<typeof grant>;

export const joinAnswer = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('waiting'),
    request: z.string().max(64),
    cluster: z.string().max(255),
    at: z.string().max(255),
  }),
  z.object({ state: z.literal('refused') }),
  z.object({ state: z.literal('approved'), grant }),
]);
export type JoinAnswer = z.infer<typeof joinAnswer>;
