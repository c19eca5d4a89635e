/** The methods of ClusterApi that concern computers (api.ts). */
import { z } from 'zod';
import { computerRoles } from '../base/roles.ts';
import { checkup } from './checkup-views.ts';
import {
  approval,
  clientsView,
  computerStanding,
  foundComputer,
  interfaceReport,
  invitation,
  joinRequest,
  joinWish,
  keyLockView,
  ownKeyView,
  sharedKeysView,
} from './computer-views.ts';
import { clusterName, name } from './names.ts';

const nothing = z.object({});

export const computerMethods = {
  /** What this computer is. The only methods that a computer without a cluster answers are `computer.*`, `join.*` and `network.*`. */
  'computer.standing': { input: nothing, output: computerStanding, changes: false },
  /** For `coterie doctor`. */
  'computer.checkup': { input: nothing, output: checkup, changes: false },

  /** How this computer keeps its keys on its disk. */
  'computer.keyLock': { input: nothing, output: keyLockView, changes: false },
  /** Brings the files into that form at once. To lock them is refused with `conflict` where there is no key store. */
  'computer.lockKeys': { input: z.object({ on: z.boolean() }), output: keyLockView, changes: true },

  /** A code for one computer, good for `validSeconds`, ten minutes at most. Refused with `conflict` while this computer takes no connections from others. */
  'computers.invite': {
    input: z.object({
      dataCenter: name.optional(),
      validSeconds: z.number().int().min(1).max(600).default(600),
    }),
    output: invitation,
    changes: true,
  },
  /** Who asks to come in, at any computer of the cluster that is reached; oldest first. */
  'computers.requests': { input: nothing, output: z.array(joinRequest), changes: false },
  /** Lets it in: its nodes join with the layout that is answered. */
  'computers.approve': {
    input: approval,
    output: z.object({ version: z.number().nullable() }),
    changes: true,
  },
  /** `block`: requests with that key are not shown any more. */
  'computers.refuse': {
    input: z.object({ id: z.string().min(1).max(64), block: z.boolean().default(false) }),
    output: nothing,
    changes: true,
  },
  /**
   * Takes a computer out. Its nodes hand over what they have first; `now`: nobody waits for them, its connections end at once, and
   * what only it held is lost. Out for good: it can come back only with a new code. `newAuthority`: once it is let in no more, the
   * authority is replaced with the secret, as by `replaceKeys`.
   */
  'computers.remove': {
    input: z.object({
      name: z.string().min(1).max(200),
      now: z.boolean().default(false),
      newAuthority: z.boolean().default(false),
    }),
    output: z.object({ version: z.number() }),
    changes: true,
  },

  /** What a computer may do. Refused with `conflict` for the last owner. */
  'computers.setRole': {
    input: z.object({ name: z.string().min(1).max(200), role: z.enum(computerRoles) }),
    output: z.object({ version: z.number() }),
    changes: true,
  },
  /** `name`: the computer that is asked makes itself an owner. Refused with `conflict` unless the owners are silent for an hour. */
  'computers.takeOwnership': {
    input: z.object({ name: z.string().min(1).max(200) }),
    output: z.object({ version: z.number() }),
    changes: true,
  },

  'computers.keys': { input: nothing, output: sharedKeysView, changes: false },
  /**
   * Replaces the secret that all computers hold in common, which also happens by itself when one is taken out. `authority`: also the
   * certificate by which programs on other computers, and join codes, know the cluster; programs have to be given the new one.
   */
  'computers.replaceKeys': {
    input: z.object({ authority: z.boolean().default(false) }),
    output: sharedKeysView,
    changes: true,
  },

  /**
   * Gives a computer another key of its own, which also happens by itself before its certificate ends: absent: this one. It begins, and
   * goes on by itself until the key of before is let in nowhere. Refused with `busy` while that is under way there.
   */
  'computers.replaceOwnKey': {
    input: z.object({ name: z.string().min(1).max(200).optional() }),
    output: ownKeyView,
    changes: true,
  },

  /** Computers on the local network that say that they are there. */
  'network.found': { input: nothing, output: z.array(foundComputer), changes: false },
  'network.doctor': { input: nothing, output: z.array(interfaceReport), changes: false },

  /**
   * Whether other computers may connect to this one. Its nodes start anew with it, which takes some seconds. Refused with `conflict`
   * while other computers are in the cluster.
   */
  'network.listen': { input: z.object({ on: z.boolean() }), output: nothing, changes: true },

  /** How programs reach the data. */
  'clients.view': { input: nothing, output: clientsView, changes: false },
  /**
   * Whether programs on other computers may reach the data at this one. Its nodes start anew with it. Refused with `conflict` where
   * nobody would need a login. `interfaces`: names or addresses of those that are opened or closed, absent: all of them. The others
   * stay as they are, or with `only` are closed.
   */
  'clients.open': {
    input: z.object({
      on: z.boolean(),
      interfaces: z.array(z.string().min(1).max(255)).min(1).max(64).optional(),
      only: z.boolean().default(false),
    }),
    output: nothing,
    changes: true,
  },

  /** Of a computer without a cluster: asks to come into one. The standing tells how far that is. */
  'join.ask': { input: joinWish, output: computerStanding, changes: true },
  'join.cancel': { input: nothing, output: computerStanding, changes: true },
  /** Of a computer without a cluster: a new one, of this computer. */
  'join.create': {
    input: z.object({ name: clusterName, nodes: z.number().int().min(1).max(16).default(3) }),
    output: computerStanding,
    changes: true,
  },
} as const;
