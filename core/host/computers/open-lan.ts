/** Everything by which this computer is one of several: its port, the others, who comes in, and what is heard on the network. */
import type { X509Certificate } from 'node:crypto';
import { CoterieError } from '../../base/errors.ts';
import { plainLine } from '../../base/plain-text.ts';
import type { Discovery } from '../../discovery/discovery.ts';
import { admitsKey, admittedComputers, isKeyOf } from '../../layout/admission.ts';
import type { LayoutComputer } from '../../layout/layout.ts';
import { ComputerCalls } from '../../platform/computer-calls.ts';
import { systemRandom } from '../../platform/system-random.ts';
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import { certificateFingerprint, keyFingerprint } from '../../security/fingerprints.ts';
import { Invitations } from '../../security/invitations.ts';
import type { HeldKeys, KeyEpoch } from '../../security/key-epochs.ts';
import type { SecretStore } from '../../security/secret-files.ts';
import type { Secrets } from '../../security/secrets.ts';
import type { AccessService } from '../access/access-service.ts';
import type { Admission } from '../access/admission.ts';
import type { Caller } from '../caller.ts';
import type { LayoutService } from '../layouts/layout-service.ts';
import type { Staging } from '../layouts/staging.ts';
import type { LocalNodes } from '../nodes/local-nodes.ts';
import { oneAddress } from '../ports.ts';
import type { RepairExchange } from '../repairs/repair-exchange.ts';
import { AppliedElsewhere } from './applied-elsewhere.ts';
import type { ClientNetwork } from './client-network.ts';
import { ClusterKeys } from './cluster-keys.ts';
import { type ComputerPort, type MemberRequest, serveComputers } from './computer-port.ts';
import { roleNow } from './computer-roles.ts';
import { Computers } from './computers.ts';
import { conflictInWords, createFinder, signerOf } from './finder.ts';
import { JoinInbox } from './join-inbox.ts';
import { isLoopback, ownAddresses, readPlaces, writePlaces } from './known-places.ts';
import { MembershipDesk } from './membership-desk.ts';
import { computerNews, remoteCall, remoteRepair } from './messages.ts';
import { OwnKey } from './own-key.ts';
import { keyOfTrust, type TrustKeeper } from './trust.ts';

interface Components {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly disk: Disk;
  readonly files: SecretStore;
  readonly admission: Admission;
  readonly layouts: LayoutService;
  readonly staging: Staging;
  readonly nodes: LocalNodes;
  readonly own: ReadonlySet<string>;
  readonly access: AccessService;
  readonly network: ClientNetwork | null;
  readonly repairs: RepairExchange;
  readonly trust: TrustKeeper;
  /** As they are at the start. */
  readonly keys: HeldKeys;
  readonly secrets: Secrets;
  /** A call of ClusterApi from another computer. */
  readonly dispatch: (method: string, input: unknown, caller: Caller) => Promise<unknown>;
  /** Something of another computer is new: its nodes' figures, or also who is reached where. */
  readonly changed: (what: 'figures' | 'computers') => void;
  /** `who`: in words; null: a computer that is not of the cluster. */
  readonly noted: (message: string, who: string | null) => void;
  /** Something that nobody asked for. */
  readonly warned: (message: string) => void;
}

const renewalEveryMs = 3_600_000;
/** Anybody can pretend to be a conflict. */
const conflictsToldMax = 32;

/** What another computer may ask for by name; the rest is asked of the computer that a person is at. */
const remoteMethods = /^(nodes|computers|repairs|activity)\./;

export interface Lan {
  readonly computers: Computers;
  readonly desk: MembershipDesk;
  readonly discovery: Discovery;
  readonly port: number;
  readonly key: () => string;
  readonly ownKey: OwnKey;
  /** The authority's certificate as PEM. */
  readonly authority: () => string;
  readonly keys: ClusterKeys;
  /** The layout has changed: who is not in it any more loses its connections. */
  layoutChanged(): void;
  close(): Promise<void>;
}

/** Rejects, with nothing left behind, where the port cannot be had. */
export async function openLan(parts: Components, at: { listen: string; port: number }): Promise<Lan> {
  const { clock, timers, log, disk, files, layouts, nodes, own, trust } = parts;
  const key = () => keyOfTrust(trust.trust);
  const { clusterId } = layouts.present;
  const live = () => layouts.live.map(({ layout }) => layout);
  const admits = (certificate: X509Certificate) => admitsKey(live(), keyFingerprint(certificate));
  const self = () => layouts.present.computers.find(({ id }) => own.has(id));
  const nameOfSelf = () => plainLine(self()?.name ?? 'a computer that was taken out');
  let port: ComputerPort | null = null;

  const invitations = new Invitations({ clock, random: systemRandom });
  const inbox = await JoinInbox.open({
    ...{ files, clock, log, invitations },
    name: nameOfSelf,
    changed: () => parts.changed('computers'),
  });
  const calls = new ComputerCalls(() => trust.credentials, admits);
  const authority = () => certificateFingerprint(trust.trust.authority.certificate);
  const keys = new ClusterKeys(
    {
      ...{ clock, timers, files, log, clusterId, random: systemRandom, ownKey: key, noted: parts.warned },
      letIn: () => new Set(admittedComputers(live()).flatMap((computer) => computer.key ?? [])),
      endsAuthority: () => layouts.present.authorityEndsWith ?? [],
      rank: () => computers.rank,
      spread(secrets) {
        parts.secrets.change(secrets);
        nodes.send({ type: 'secrets', secrets });
      },
      authorityChanged(next) {
        // Codes of before name the one of before.
        invitations.clear();
        return goBy(next);
      },
    },
    parts.keys,
  );
  const goBy = async (next: KeyEpoch['authority']) => {
    await trust.goBy(next);
    port?.show(trust.credentials);
    await parts.network?.renew();
  };
  /** Certificates end while a computer runs for years. */
  const renewLater = (): Cancellable =>
    timers.after(renewalEveryMs, () => {
      goBy(trust.trust.authority).catch(({ message }: Error) => {
        log.warn('The certificate of this computer could not be renewed. It is tried again.', {
          cause: message,
        });
      });
      renewal = renewLater();
    });
  const ownKey = new OwnKey({
    ...{ clock, timers, log, own, trust, noted: parts.warned },
    layout: () => layouts.present,
    async decide(edit, what, by) {
      await parts.staging.decide(edit, what, by ?? nameOfSelf());
      parts.noted(`${what}.`, by);
    },
    notHeard: () => computers.notHeard,
    nodesHeard: () =>
      [...nodes].every((node) => node.status().state !== 'up' || isAtNewest(node.layouts?.version)),
    async show() {
      port!.show(trust.credentials);
      calls.renew();
      nodes.send({ type: 'credentials', credentials: trust.credentials });
      await discovery.signAnew(signerOf(trust.trust.computer.privateKey));
      await parts.network?.renew();
    },
  });
  const isAtNewest = (version = 0) => version >= layouts.present.version;
  let writing = Promise.resolve();
  const computers: Computers = new Computers(
    {
      ...{ clock, timers, log, layouts, nodes, own, access: parts.access, network: parts.network, keys },
      ...{ calls, repairs: parts.repairs, staging: parts.staging },
      applied: new AppliedElsewhere(layouts.present.version, ({ version, by, changes }) => {
        const words = changes.map((change) => `${plainLine(change)}.`).join(' ');
        parts.noted(`Layout ${version} was applied. ${words}`, plainLine(by));
      }),
      at: () => ({ host: oneAddress(at.listen), port: port?.port ?? 0 }),
      requests: () => inbox.waiting,
      changed: parts.changed,
      placesChanged: (places) => {
        writing = writing
          .then(() => writePlaces(disk, places))
          .catch((cause: Error) =>
            log.warn('Where the other computers are was not kept.', { cause: cause.message }),
          );
      },
    },
    await readPlaces(disk),
  );
  const desk: MembershipDesk = new MembershipDesk({
    ...{ clock, layouts, staging: parts.staging, invitations, inbox, own },
    keys: () => keys.told.current,
    access: () => parts.access.rules,
    addresses: () => ownAddresses(at.listen, port?.port ?? 0),
    places: () => computers.places,
    noted: parts.noted,
    admitted: (computer, place) => computers.found(computer, place),
  });

  const json = <T>(schema: { parse(value: unknown): T }, body: Buffer): T => {
    try {
      return schema.parse(JSON.parse(body.toString()));
    } catch {
      throw new CoterieError('bad-input', 'What another computer said does not have the right form.');
    }
  };
  port = await serveComputers(
    { admission: parts.admission, clock, timers, log },
    { credentials: trust.credentials, host: at.listen, port: at.port },
    {
      admits,
      stranger: new Map([['/join', (request) => desk.take(request)]]),
      member: new Map<string, (request: MemberRequest) => Promise<Buffer | object>>([
        [
          '/news',
          async ({ certificate, host, body }) => {
            const from = keyFingerprint(certificate);
            await inbox.arrived(from);
            return computers.heard(from, host, json(computerNews, body));
          },
        ],
        ['/keys', async () => keys.told],
        ['/layouts', ({ body }) => computers.layoutsOf(body)],
        [
          '/call',
          async ({ certificate, body }) => {
            const { method, input, by } = json(remoteCall, body);
            if (!remoteMethods.test(method)) {
              throw new CoterieError('unsupported', `"${method}" is not asked of another computer.`);
            }
            const from = keyFingerprint(certificate);
            const isIt = (one: LayoutComputer) => isKeyOf(one, from);
            const name = layouts.present.computers.find(isIt)?.name ?? 'another computer';
            const role = roleNow(layouts, isIt) ?? 'viewer';
            const caller = { sessionId: null, name: plainLine(by), from: plainLine(name), role };
            return { output: await parts.dispatch(method, input, caller) };
          },
        ],
        ['/repairs', async ({ body }) => parts.repairs.answer(body)],
        [
          '/repair',
          async ({ body, signal }) => {
            const { nodeId, work } = json(remoteRepair, body);
            const node = [...nodes].find((local) => local.node.id === nodeId);
            if (node === undefined) throw new CoterieError('not-found', 'That node is not here any more.');
            const { result, stop } = node.repair(work);
            signal.addEventListener('abort', stop);
            return result;
          },
        ],
      ]),
    },
  );
  const discovery = createFinder(
    { clock, timers, random: systemRandom },
    trust.trust.computer.privateKey,
    () => ({
      kind: 'member',
      clusterId,
      clusterName: plainLine(layouts.present.clusterName),
      computerId: trust.trust.computer.id,
      computerName: nameOfSelf(),
      authority: authority().toString('hex'),
      port: port!.port,
    }),
    at.listen,
  );
  const told = new Set<string>();
  discovery.onChange(() => {
    for (const { computerId, cluster, address, port: theirs } of discovery.found()) {
      if (cluster?.id === clusterId) computers.found(computerId, { host: address, port: theirs });
    }
    for (const conflict of discovery.conflicts()) {
      const words = conflictInWords(conflict);
      if (told.has(words) || told.size >= conflictsToldMax) continue;
      told.add(words);
      parts.warned(words);
    }
    parts.changed('computers');
  });
  // What only this computer reaches is not told to others.
  if (!isLoopback(at.listen)) discovery.start();
  computers.start();
  keys.start();
  ownKey.start();
  let renewal = renewLater();

  return {
    ...{ computers, desk, discovery, key, keys, ownKey },
    authority: () => trust.trust.authority.certificate,
    port: port.port,
    layoutChanged() {
      computers.follow();
      port!.dropRemoved();
      calls.dropRemoved();
    },
    async close() {
      computers.close();
      renewal.cancel();
      await ownKey.close();
      await keys.close();
      await discovery.close();
      await port!.close();
      await writing;
    },
  };
}
