/** Opens the data folder of a computer: which cluster it is, who of it is here, and what of it still runs. */
import { join } from 'node:path';
import { nodesOf } from '../layout/history.ts';
import { type Layout, type LayoutComputer, nextLayout } from '../layout/layout.ts';
import { peerProofPurpose } from '../node-process/messages.ts';
import { lockFolder } from '../platform/folder-lock.ts';
import { NodeDisk } from '../platform/node-disk.ts';
import { tcpTransport } from '../platform/peer-transport.ts';
import { keepFolderPrivate } from '../platform/private-folder.ts';
import { systemRandom } from '../platform/system-random.ts';
import { tlsTransport } from '../platform/tls-transport.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { KeyStore } from '../ports/secret-box.ts';
import { clusterSecret } from '../security/cluster-secret.ts';
import { firstKeys, type HeldKeys, secretsIn } from '../security/key-epochs.ts';
import { readHeldKeys } from '../security/key-store.ts';
import { mutualProofOf } from '../security/mutual-proof.ts';
import { SecretFiles } from '../security/secret-files.ts';
import { Secrets } from '../security/secrets.ts';
import { Catalog } from './catalog/catalog.ts';
import { ClientNetwork } from './computers/client-network.ts';
import { credentialsOf, keyOfTrust, openTrust, TrustKeeper } from './computers/trust.ts';
import type { HostSettings } from './host-settings.ts';
import { digestOf, readLayout, writeLayouts } from './layouts/layout-store.ts';
import { checkSameNodes, newLayout } from './layouts/new-cluster.ts';
import { nodeFolderOf } from './node-folders.ts';
import { takeOverRunning } from './nodes/running-nodes.ts';
import { ownComputers, takenOut } from './own-computers.ts';
import { choosePorts } from './ports.ts';

const damagedKeys =
  'cluster-keys.json is damaged. The keys of before are used until another computer hands over those of now. If no other computer is left, replace them: coterie keys replace';

export interface FolderComponents {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly keyStore: KeyStore;
}

/** Before anything runs. Rejects with nothing left behind when the folder or a port cannot be had. */
export async function openFolder({ clock, timers, log, keyStore }: FolderComponents, settings: HostSettings) {
  const { folder } = settings;
  const closed = keepFolderPrivate(folder);
  const lock = lockFolder(folder, 'another Coterie');
  let network: ClientNetwork | null = null;
  try {
    const disk = new NodeDisk(folder);
    const nowMs = clock.nowMs();
    const { files, findings: told } = await SecretFiles.open({ disk, folder, keyStore });
    const { layout: known, older, findings } = await readLayout(disk, { folder, nowMs });
    const catalog = await Catalog.open(join(folder, 'catalog'), nowMs);
    const first = known ?? newLayout(settings, nowMs);
    const own = await ownComputers(disk, first, folder);
    if (known !== null) checkSameNodes(known, own, settings);
    const kept = await readHeldKeys(files, first.clusterId);
    const authority = kept.held?.current.authority ?? null;
    const trust =
      settings.listen === null
        ? null
        : await openTrust({ files, clock }, folder, { layout: first, own, authority });
    const layout = trust === null ? first : withOwnKey(first, own, keyOfTrust(trust));
    const live = [...older, { layout, digest: digestOf(layout) }];
    if (layout !== known) await writeLayouts(disk, live);
    const nodes = [...nodesOf(live.map((one) => one.layout)).values()].filter(({ computer }) =>
      own.has(computer),
    );
    const folderOf = ({ name }: { name: string }) => nodeFolderOf(folder, name);
    const secret = await clusterSecret(files, systemRandom);
    const keys: HeldKeys | null = kept.held ?? (trust && firstKeys(secret, trust.authority, nowMs));
    const secrets = keys === null ? Secrets.of(secret) : new Secrets(secretsIn(keys, 'used'));
    const credentials = trust === null ? null : credentialsOf(trust);
    const keeper = trust && new TrustKeeper({ files, clock }, trust);
    network =
      keeper === null || !settings.clientsOpen
        ? null
        : await ClientNetwork.open({ clock, timers, log }, keeper, {
            listen: settings.listen!,
            interfaces: settings.clientInterfaces,
          });
    const running = await takeOverRunning(
      {
        ...{ proof: mutualProofOf(secrets, peerProofPurpose, systemRandom), log },
        transport:
          credentials === null
            ? tcpTransport
            : tlsTransport(
                () => credentials,
                () => true,
              ),
      },
      nodes.map(({ id, name }) => ({ nodeId: id, name, folder: folderOf({ name }) })),
      {
        ...settings,
        peerHost: settings.listen ?? settings.host,
        clientsOpen: settings.clientsOpen && settings.listen !== null,
        clusterId: layout.clusterId,
      },
    );
    const ports = await choosePorts(
      nodes.map(({ id }) => running.get(id)?.ports ?? null),
      settings,
    );
    const places = nodes.map((node, index) => ({
      ...{ node, ports: ports[index], running: running.get(node.id) ?? null },
    }));
    const said = [
      ...(closed === null ? [] : [closed]),
      ...(kept.isDamaged ? [damagedKeys] : []),
      ...(layout.computers.some(({ id }) => own.has(id)) ? [] : [takenOut]),
      ...told,
      ...findings,
      ...catalog.findings,
    ];
    /** Another host may open it then. */
    const close = async () => {
      network?.close();
      await catalog.close();
      lock.release();
    };
    return {
      ...{ close, disk, files, catalog, layout, live, own, secrets, trust, network, places, folderOf },
      // Without one, this computer is of a cluster of its own.
      shared: keeper === null || keys === null ? null : { trust: keeper, keys },
      findings: said,
    };
  } catch (error) {
    network?.close();
    lock.release();
    throw error;
  }
}

/** The others know this computer by its key: it is in the layout before any node starts. */
function withOwnKey(layout: Layout, own: ReadonlySet<string>, key: string): Layout {
  const lacks = ({ id, key: known }: LayoutComputer) => own.has(id) && known === undefined;
  if (!layout.computers.some(lacks)) return layout;
  const computers = layout.computers.map((one) => (lacks(one) ? { ...one, key } : one));
  return nextLayout(layout, digestOf(layout), { computers });
}
