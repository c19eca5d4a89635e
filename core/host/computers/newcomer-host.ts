/** The host of a computer that is in no cluster: the few things that can be asked of it, in the place of a cluster's host. */
import { CoterieError } from '../../base/errors.ts';
import { plainLine } from '../../base/plain-text.ts';
import { hostProofPurpose } from '../../node-process/messages.ts';
import { lockFolder } from '../../platform/folder-lock.ts';
import { NodeDisk } from '../../platform/node-disk.ts';
import { keepFolderPrivate } from '../../platform/private-folder.ts';
import { systemClock } from '../../platform/system-clock.ts';
import { systemRandom } from '../../platform/system-random.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { openToAll } from '../../ports/logins.ts';
import type { KeyStore } from '../../ports/secret-box.ts';
import { issueCertificate, newAuthority } from '../../security/certificates.ts';
import { writeClusterSecret } from '../../security/cluster-secret.ts';
import { firstKeys } from '../../security/key-epochs.ts';
import { writeHeldKeys } from '../../security/key-store.ts';
import { mutualProofOf } from '../../security/mutual-proof.ts';
import { SecretFiles } from '../../security/secret-files.ts';
import { Secrets } from '../../security/secrets.ts';
import { writeTrust } from '../../security/trust-store.ts';
import { liveFrom } from '../../wire/peer/layout-messages.ts';
import { writeAccess } from '../access/access-store.ts';
import type { Admission } from '../access/admission.ts';
import type { Handlers } from '../api-handlers.ts';
import { whoOf } from '../caller.ts';
import { checkupAlone, computerPorts } from '../checkup/checkup.ts';
import { ClockWatch } from '../checkup/clock-watch.ts';
import type { Host } from '../create-host.ts';
import { DataAccess } from '../data-access.ts';
import { dispatch, typedCall } from '../dispatch.ts';
import type { HostSettings } from '../host-settings.ts';
import { digestOf, readLayout, writeLayouts } from '../layouts/layout-store.ts';
import { keepOwnComputers } from '../own-computers.ts';
import { oneAddress } from '../ports.ts';
import { serveComputers } from './computer-port.ts';
import { createFinder, foundView } from './finder.ts';
import type { Grant } from './join-messages.ts';
import { isLoopback, writePlaces } from './known-places.ts';
import { forgetNewcomer, isNewcomer, Newcomer, readNewcomer } from './newcomer.ts';
import { credentialsOf } from './trust.ts';

interface Components {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly admission: Admission;
  readonly keyStore: KeyStore;
  /** It came into a cluster: the folder is to be opened as that of a member. */
  readonly onJoined: () => void;
  /** It is to make a cluster with these settings. */
  readonly onCreate: (wish: Pick<HostSettings, 'clusterName' | 'nodes'>) => void;
}

/**
 * Whether the computer of this folder is to wait for a cluster: it has none, and somebody wants it to, or it did before. Throws what
 * readLayout throws.
 */
export async function isToWait(folder: string, wanted: boolean, nowMs: number): Promise<boolean> {
  if (!wanted && !isNewcomer(folder)) return false;
  keepFolderPrivate(folder);
  return (await readLayout(new NodeDisk(folder), { folder, nowMs })).layout === null;
}

/** Rejects, with nothing left behind, where the folder or the port cannot be had. */
export async function createNewcomerHost(parts: Components, settings: HostSettings): Promise<Host> {
  const { clock, timers, log, admission, keyStore } = parts;
  const { folder, readOnly } = settings;
  const lock = lockFolder(folder, 'another Coterie');
  try {
    const disk = new NodeDisk(folder);
    const { files, findings } = await SecretFiles.open({ disk, folder, keyStore });
    for (const message of findings) log.warn(message);
    const kept = await readNewcomer(files);
    // Of no cluster: it shows its key, and nothing else follows from it.
    const authority = await newAuthority(kept.id, clock.nowMs());
    const certificate = await issueCertificate(
      authority,
      { computerId: kept.id, publicKey: kept.publicKey },
      clock.nowMs(),
    );
    const port = await serveComputers(
      { admission, clock, timers, log },
      {
        credentials: credentialsOf({
          authority,
          computer: { id: kept.id, certificate, privateKey: kept.privateKey },
        }),
        ...{ host: settings.listen ?? settings.host, port: settings.computerPort },
      },
      { admits: () => false, member: new Map(), stranger: new Map() },
    );
    const discovery = createFinder(
      { clock, timers, random: systemRandom },
      kept.privateKey,
      () => ({
        kind: 'waiting',
        clusterId: '',
        clusterName: '',
        computerId: kept.id,
        computerName: plainLine(settings.computerName),
        authority: null,
        port: port.port,
      }),
      settings.listen ?? settings.host,
    );
    if (!isLoopback(settings.listen ?? settings.host)) discovery.start();
    const newcomer = new Newcomer(
      {
        ...{ files, clock, timers, log, discovery },
        name: plainLine(settings.computerName),
        at: () => ({ host: oneAddress(settings.listen ?? settings.host), port: port.port }),
        async onGrant(grant, { privateKey }) {
          await settle({ disk, files, folder }, grant, privateKey);
          parts.onJoined();
        },
      },
      kept,
    );
    const clockWatch = new ClockWatch({ clock, timers });
    const handlers = handlersOf({
      'computer.standing': async () => newcomer.standing,
      'computer.checkup': async () =>
        checkupAlone(clockWatch, computerPorts(port.port, settings.listen ?? settings.host)),
      'computer.keyLock': async () => files.lock,
      'computer.lockKeys': async ({ on }) => {
        await files.setLock(on);
        return files.lock;
      },
      'network.found': async () => foundView(discovery, null),
      'network.doctor': async () => discovery.reports(),
      'join.ask': (wish) => newcomer.ask(wish),
      'join.cancel': () => newcomer.cancel(),
      'join.create': async ({ name, nodes }) => {
        parts.onCreate({ clusterName: name, nodes: { office: nodes } });
        return { ...newcomer.standing, state: 'joined', cluster: name };
      },
      'sessions.list': async (_, { sessionId }) => admission.login.list(sessionId),
      'sessions.end': async ({ id }, caller) => ({ ended: admission.endSessions(id, whoOf(caller)) }),
    });
    const around = { readOnly, log };
    const data = new DataAccess(
      { proof: mutualProofOf(Secrets.of(Buffer.alloc(32)), hostProofPurpose, systemRandom) },
      () => [],
      () => null,
    );
    return {
      api: { call: typedCall(handlers, around), subscribe: () => () => {} },
      ...{ data, logins: openToAll, admission, network: null },
      dispatch: (method, input, caller) => dispatch(handlers, around, method, input, caller),
      snapshot() {
        throw noCluster();
      },
      start: async () => {},
      async stop() {
        clockWatch.close();
        newcomer.close();
        data.close();
        await discovery.close();
        await port.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function noCluster(): CoterieError {
  return new CoterieError(
    'not-ready',
    'This computer is in no cluster yet. Join one with a code from one of its computers (coterie join CODE), or make a new one in the app.',
  );
}

/** Everything else is refused. */
function handlersOf(known: Partial<Handlers>): Handlers {
  return new Proxy(known as Handlers, {
    get: (target, method: keyof Handlers) =>
      target[method] ??
      (async () => {
        throw noCluster();
      }),
  });
}

/** The layout comes last: with it the folder is that of a member. */
async function settle(
  { disk, files, folder }: { disk: NodeDisk; files: SecretFiles; folder: string },
  grant: Grant,
  privateKey: string,
): Promise<void> {
  const { clusterId, computer, certificate, authority, secret, places } = grant;
  const live = liveFrom(grant.live);
  for (const { layout, digest } of live) {
    if (layout.clusterId !== clusterId || digestOf(layout) !== digest) {
      throw new CoterieError(
        'corrupt',
        'What the cluster handed over does not fit together. It is asked for again.',
      );
    }
  }
  await writeClusterSecret(files, Buffer.from(secret, 'hex'));
  // Those of an earlier membership would count before what it was given now.
  await writeHeldKeys(
    files,
    clusterId,
    firstKeys(Buffer.from(secret, 'hex'), authority, systemClock.nowMs()),
  );
  await writeTrust(files, { clusterId, authority, computer: { id: computer, certificate, privateKey } });
  await keepOwnComputers(disk, clusterId, new Set([computer]));
  await writePlaces(disk, places);
  // Before its nodes take any client.
  await writeAccess(disk, grant.access, { folder, nowMs: systemClock.nowMs() });
  await writeLayouts(disk, live);
  await forgetNewcomer(disk);
}
