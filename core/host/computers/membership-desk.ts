/**
 * Who comes into the cluster through this computer, and who is taken out: invitations, requests, and what a computer is given that
 * was let in.
 */
import { randomUUID } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { CoterieError } from '../../base/errors.ts';
import { plainLine } from '../../base/plain-text.ts';
import type { ComputerRole } from '../../base/roles.ts';
import { productVersion } from '../../base/version.ts';
import type { Invitation, JoinRequest } from '../../contract/computer-views.ts';
import { roleNames } from '../../contract/roles.ts';
import { computerNamed, removeComputer } from '../../layout/changes.ts';
import { checkName, type Layout } from '../../layout/layout.ts';
import { withRole } from '../../layout/roles.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AccessRules } from '../../security/access.ts';
import { issueCertificate } from '../../security/certificates.ts';
import { certificateFingerprint } from '../../security/fingerprints.ts';
import type { Invitations, Proved } from '../../security/invitations.ts';
import { encodeJoinCode, joinExporter, joinLinkOf } from '../../security/join-code.ts';
import type { KeyEpoch } from '../../security/key-epochs.ts';
import type { LayoutService } from '../layouts/layout-service.ts';
import type { Staging } from '../layouts/staging.ts';
import type { StrangerRequest } from './computer-port.ts';
import type { JoinInbox, KeptRequest } from './join-inbox.ts';
import { type JoinAnswer, joinBody, provedRequest } from './join-messages.ts';
import { placeIn } from './known-places.ts';
import type { KnownPlace } from './messages.ts';

interface Components {
  readonly clock: Clock;
  readonly layouts: LayoutService;
  readonly staging: Staging;
  readonly invitations: Invitations;
  readonly inbox: JoinInbox;
  /** What the computers of the cluster hold in common. */
  readonly keys: () => KeyEpoch;
  readonly own: ReadonlySet<string>;
  /** Who may use the data. */
  readonly access: () => AccessRules;
  /** host:port at which this computer takes others. */
  readonly addresses: () => readonly string[];
  readonly places: () => readonly KnownPlace[];
  /** `who`: in words; null: a computer that is not of the cluster. */
  readonly noted: (message: string, who: string | null) => void;
  /** A computer was let in: it is reached there. */
  readonly admitted: (computer: string, place: { host: string; port: number }) => void;
}

export class MembershipDesk {
  readonly #parts: Components;

  constructor(parts: Components) {
    this.#parts = parts;
  }

  /** `dataCenter`: where it goes; absent: to that of this computer. One that does not exist yet is made. */
  invite(
    { dataCenter, validSeconds }: { dataCenter?: string; validSeconds: number },
    by: string,
  ): Invitation {
    const { invitations, keys, addresses, noted } = this.#parts;
    const target = dataCenter ?? this.#self().dataCenter;
    checkName(target, 'The data center');
    const { id, secret, expiresAtMs } = invitations.create(target, validSeconds * 1_000);
    const fingerprint = certificateFingerprint(keys().authority.certificate);
    const code = encodeJoinCode({ id, secret, fingerprint });
    noted(
      `A join code for ${target} was made. It is good for one computer, for ${validInWords(validSeconds)}.`,
      by,
    );
    return { code, link: joinLinkOf(code, addresses()), expiresAtMs, dataCenter: target };
  }

  /** A computer that is not of the cluster speaks. Throws `unauthorized` in words for the person at it. */
  async take({ body, host, socket }: StrangerRequest): Promise<JoinAnswer> {
    const { inbox, noted } = this.#parts;
    const { request, proved } = read(body, socket);
    if (request.kind === 'look') return this.#answer(inbox.look(request.request, proved));
    if (request.version !== productVersion) {
      throw new CoterieError(
        'unsupported',
        `This cluster runs version ${productVersion} of Coterie, that computer ${plainLine(request.version)}. Bring both to one version.`,
      );
    }
    const asked = await inbox.ask(request, proved, { address: request.host ?? host, from: host });
    noted(
      `${plainLine(asked.computer)} at ${plainLine(asked.address)} asks to come in. Let it in, or refuse it.`,
      null,
    );
    return this.#answer(asked);
  }

  /** Returns the layout with which its nodes join; null: they are staged. Throws `not-found`. */
  async approve(
    id: string,
    { dataCenter, apply, role, by }: { dataCenter?: string; apply: boolean; role: ComputerRole; by: string },
  ): Promise<number | null> {
    const { inbox, layouts, staging, admitted, noted } = this.#parts;
    const request = inbox.waitingRequest(id);
    const target = dataCenter ?? request.dataCenter;
    checkName(target, 'The data center');
    const name = freeComputerName(layouts.present, plainLine(request.computer));
    const facts = { id: randomUUID(), name, dataCenter: target, key: request.fingerprint };
    const computer = withRole(facts, role);
    const entry = await staging.admit(computer, { count: request.nodes, apply, by });
    await inbox.approved(request.id, computer.id);
    admitted(computer.id, { host: request.address, port: request.port });
    const as = role === 'owner' ? '' : `, as ${roleNames[role]}`;
    noted(
      `${computer.name} was let in, to ${target}${as}${entry === null ? '; its nodes wait to be applied' : ''}.`,
      by,
    );
    return entry?.version ?? null;
  }

  async refuse(id: string, { block, by }: { block: boolean; by: string }): Promise<void> {
    const request = this.#parts.inbox.waitingRequest(id);
    await this.#parts.inbox.refused(request.id, block);
    const also = block ? ' Its key is blocked from now on.' : '';
    this.#parts.noted(`${plainLine(request.computer)} was not let in.${also}`, by);
  }

  get requests(): JoinRequest[] {
    return this.#parts.inbox.waiting;
  }

  /** Returns the layout without it. Throws `not-found`, and `conflict` for this computer itself. */
  async remove(
    name: string,
    { now, newAuthority, by }: { now: boolean; newAuthority: boolean; by: string },
  ): Promise<number> {
    const { layouts, own, noted } = this.#parts;
    const computer = computerNamed(layouts.present, name);
    if (own.has(computer.id)) {
      throw new CoterieError('conflict', `${name} is this computer. Take it out at another one.`);
    }
    await layouts.change((layout, digest) =>
      removeComputer(layout, digest, computer.id, { isDead: now, newAuthority }),
    );
    const also = newAuthority ? ' Then the authority is replaced as well.' : '';
    noted(
      now
        ? `${name} was shut out. What only its nodes held is lost.${also}`
        : `${name} is taken out: its nodes hand over what they have, and then it is not let in any more.${also}`,
      by,
    );
    return layouts.present.version;
  }

  #self(): Layout['computers'][number] {
    const { layouts, own } = this.#parts;
    return layouts.present.computers.find(({ id }) => own.has(id)) ?? layouts.present.computers[0];
  }

  async #answer(request: KeptRequest): Promise<JoinAnswer> {
    const { layouts } = this.#parts;
    if (request.state === 'refused') return { state: 'refused' };
    if (request.state === 'waiting') {
      const cluster = plainLine(layouts.present.clusterName);
      return { state: 'waiting', request: request.id, cluster, at: plainLine(this.#self().name) };
    }
    return { state: 'approved', grant: await this.#grantOf(request) };
  }

  async #grantOf({ publicKey, computerId }: KeptRequest) {
    const { clock, layouts, keys, own, places, addresses } = this.#parts;
    const { authority, secret } = keys();
    const computer = layouts.present.computers.find(({ id }) => id === computerId);
    if (computer === undefined) {
      throw new CoterieError('unauthorized', 'This computer was let in, and has been taken out since.');
    }
    const certificate = await issueCertificate(
      authority,
      { computerId: computer.id, publicKey },
      clock.nowMs(),
    );
    const [first] = own;
    const here = addresses().flatMap((address) => {
      const place = placeIn(address);
      return place === null ? [] : [{ computer: first, ...place }];
    });
    return {
      clusterId: layouts.present.clusterId,
      ...{ computer: computer.id, certificate, authority, secret },
      live: [...layouts.live],
      places: [...here, ...places()],
      access: this.#parts.access(),
    };
  }
}

/** Throws `bad-input` for anything that is no request to come in. */
function read(bytes: Buffer, socket: TLSSocket) {
  try {
    const { body, proof } = provedRequest.parse(JSON.parse(bytes.toString()));
    const exporter = socket.exportKeyingMaterial(joinExporter.bytes, joinExporter.label, Buffer.alloc(0));
    const proved: Proved = { exporter, request: Buffer.from(body), proof: Buffer.from(proof, 'hex') };
    return { request: joinBody.parse(JSON.parse(body)), proved };
  } catch {
    throw new CoterieError('bad-input', 'This is no request to come in.');
  }
}

function validInWords(seconds: number): string {
  const isMinutes = seconds % 60 === 0;
  const count = isMinutes ? seconds / 60 : seconds;
  const unit = isMinutes ? 'minute' : 'second';
  return count === 1 ? `one ${unit}` : `${count} ${unit}s`;
}

function freeComputerName({ computers }: Layout, wanted: string): string {
  const taken = new Set(computers.map(({ name }) => name));
  if (!taken.has(wanted)) return wanted;
  for (let number = 2; ; number++) if (!taken.has(`${wanted} ${number}`)) return `${wanted} ${number}`;
}
