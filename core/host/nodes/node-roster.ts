/**
 * Which nodes this computer runs, as the layout says: those that join are started, those that left are ended once no live layout
 * names them any more, and then their folders go, too, because all that they held is elsewhere.
 */

import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toCoterieError } from '../../base/errors.ts';
import { InTurn } from '../../base/in-turn.ts';
import { hexId } from '../../base/words.ts';
import { nodesOf } from '../../layout/history.ts';
import type { LayoutNode } from '../../layout/layout.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import type { LayoutService } from '../layouts/layout-service.ts';
import { keepOwnComputers } from '../own-computers.ts';
import { choosePorts } from '../ports.ts';
import type { LocalNodes } from './local-nodes.ts';

/** A node that takes longer has the next one start beside it. */
const startWithinMs = 2_000;

interface Components {
  readonly nodes: LocalNodes;
  readonly layouts: LayoutService;
  readonly disk: Disk;
  /** Ids of this host's computers: one more where a node stands for a new one. */
  readonly own: Set<string>;
  readonly log: Log;
  readonly folderOf: (node: LayoutNode) => string;
  readonly isStopping: () => boolean;
}

/** Nothing where there is no such folder. */
async function setAsideFolder(folder: string, { id, name }: LayoutNode): Promise<void> {
  const aside = join(dirname(dirname(folder)), 'lost-nodes');
  await mkdir(aside, { recursive: true });
  await rename(folder, join(aside, `${name}-${hexId(id)}`)).catch(() => {});
}

export class NodeRoster {
  readonly #parts: Components;
  readonly #settings: { readonly host: string; readonly clientPort: number; readonly peerPort: number };
  readonly #turns = new InTurn();

  constructor(parts: Components, settings: { host: string; clientPort: number; peerPort: number }) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Computers that this host plays from now on. */
  async addComputers(ids: readonly string[]): Promise<void> {
    const { disk, layouts, own } = this.#parts;
    if (ids.every((id) => own.has(id))) return;
    for (const id of ids) own.add(id);
    await keepOwnComputers(disk, layouts.present.clusterId, own);
  }

  /** Resolves when the nodes that run are those that should. */
  follow(): Promise<void> {
    return this.#turns
      .run(() => this.#followNow())
      .catch((cause) => {
        const { message } = toCoterieError(cause, 'internal');
        this.#parts.log.error('The nodes of this computer could not be made to follow the layout.', {
          cause: message,
        });
      });
  }

  async #followNow(): Promise<void> {
    const { nodes, layouts, own, folderOf, isStopping } = this.#parts;
    if (isStopping()) return;
    const wanted = layouts.present.nodes.filter(({ computer }) => own.has(computer));
    for (const node of wanted) {
      if (nodes.has(node.name)) continue;
      const inUse = [...nodes].map((local) => {
        const { clientPort, peerPort } = local.status();
        return clientPort === null || peerPort === null ? null : { clientPort, peerPort };
      });
      // Left by a node of that name whose end this computer did not see: it is nobody's of this cluster any more.
      await setAsideFolder(folderOf(node), node);
      const ports = (await choosePorts([...inUse, null], this.#settings)).at(-1)!;
      // Asked again, for much time may have passed.
      if (isStopping()) return;
      // One after the other: a process that begins takes a whole processor, and clients are served meanwhile.
      await nodes.add({ node, ports, running: null }).begin(startWithinMs);
    }
    if (isStopping()) return;
    const live = nodesOf(layouts.live.map(({ layout }) => layout));
    for (const local of [...nodes]) {
      if (live.has(local.node.id)) continue;
      await nodes.remove(local.node.name);
      const folder = folderOf(local.node);
      // Given up for dead: it may hold what nobody else has, so people may still look into it.
      if (layouts.present.gone?.includes(local.node.id)) await setAsideFolder(folder, local.node);
      else await rm(folder, { recursive: true, force: true });
    }
  }
}
