/** Computers of a cluster as people see them: who is there, who is near, who asks to come in, and how one comes in. */
import { z } from 'zod';
import { computerRoles } from '../base/roles.ts';
import { name } from './names.ts';

/** What a person calls a computer, or what it calls itself: one plain line. */
export const computerName = z
  .string()
  .trim()
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,63}$/u, 'Use 1 to 63 characters on one line.');

/** `here`: the one that answers. `reached`: heard of within the last seconds. `away`: not heard of any more, or not yet. */
export const computerState = z.enum(['here', 'reached', 'away']);

export const computerView = z.object({
  id: z.string(),
  name: z.string(),
  dataCenter: z.string(),
  /** The answering computer plays it. */
  self: z.boolean(),
  state: computerState,
  /** Where it was reached last, host:port; null: nowhere yet, or it takes no connections from other computers. */
  address: z.string().nullable(),
  /** When it was last heard of; null: never since this computer started. */
  heardAtMs: z.number().nullable(),
  /** Of its key, to compare by eye; null: it has none, because it takes no connections from other computers. */
  fingerprint: z.string().nullable(),
  /** What it may do to the cluster (roles.ts). */
  role: z.enum(computerRoles),
});
export type ComputerView = z.infer<typeof computerView>;

/** A code that lets one computer ask to come in. */
export const invitation = z.object({
  code: z.string(),
  /** With the code and the addresses in it. */
  link: z.string(),
  expiresAtMs: z.number(),
  dataCenter: z.string(),
});
export type Invitation = z.infer<typeof invitation>;

/** A computer that asks to come in, and showed a code. */
export const joinRequest = z.object({
  id: z.string(),
  computer: z.string(),
  address: z.string(),
  /** Of its key: the same is shown on that computer. */
  fingerprint: z.string(),
  /** Where it goes if nobody says otherwise. */
  dataCenter: z.string(),
  nodes: z.number(),
  askedAtMs: z.number(),
  /** The computer that was asked. */
  at: z.string(),
});
export type JoinRequest = z.infer<typeof joinRequest>;

/** What this computer hears on the local network. */
export const foundComputer = z.object({
  computer: z.string(),
  /** host:port of its computer port. */
  address: z.string(),
  /** Null: it belongs to no cluster, and waits for one. */
  cluster: z.object({ id: z.string(), name: z.string(), fingerprint: z.string() }).nullable(),
  /** It is of the cluster of the computer that answers. */
  isOurs: z.boolean(),
  heardAtMs: z.number(),
});
export type FoundComputer = z.infer<typeof foundComputer>;

/** One network interface, as the doctor sees it. */
export const interfaceReport = z.object({
  name: z.string(),
  kind: z.enum(['wired', 'wireless', 'loopback', 'vpn', 'container', 'point-to-point', 'other']),
  addresses: z.array(z.string()),
  /** Beacons go out and are heard on it. */
  used: z.boolean(),
  sent: z.number(),
  received: z.number(),
  lastError: z.string().nullable(),
  /** In words; null: nothing is wrong. */
  cause: z.string().nullable(),
  fix: z.string().nullable(),
});
export type InterfaceReport = z.infer<typeof interfaceReport>;

/** What this computer is: of a cluster, alone, or on its way into one. */
export const computerStanding = z.object({
  state: z.enum(['member', 'alone', 'asking', 'waiting', 'refused', 'joined']),
  computer: z.string(),
  /** In words: what it waits for, or why it was refused; null: nothing. */
  detail: z.string().nullable(),
  /** Of its own key; null while it takes no connections from other computers. */
  fingerprint: z.string().nullable(),
  cluster: z.string().nullable(),
});
export type ComputerStanding = z.infer<typeof computerStanding>;

export const joinWish = z.object({
  /** A join code, or a link that has one in it. */
  code: z.string().min(1).max(2_000),
  /** host:port of a computer of the cluster; absent: those in the link, and those found on the network. */
  address: z.string().max(300).optional(),
  nodes: z.number().int().min(1).max(16).default(1),
});
export type JoinWish = z.infer<typeof joinWish>;

export const approval = z.object({
  id: z.string().min(1).max(64),
  dataCenter: name.optional(),
  /** False: its nodes are staged, and wait for a person to apply them. */
  apply: z.boolean().default(true),
  role: z.enum(computerRoles).default('owner'),
});

/** How far the replacement of a computer's own key is. */
export const ownKeyView = z.object({
  isUnderWay: z.boolean(),
  /** Computers that have to hear of the new key before it is used; none: it is a matter of seconds. */
  waitsFor: z.array(z.string()),
});
export type OwnKeyView = z.infer<typeof ownKeyView>;

/** Whether the keys of a computer are locked on its disk by the key store of the system. */
export const keyLockView = z.object({
  isOn: z.boolean(),
  /** Why they cannot be, as a sentence; null: it can be chosen. */
  whyNot: z.string().nullable(),
});
export type KeyLockView = z.infer<typeof keyLockView>;

/** What the computers of a cluster hold in common: the secret of their packets, and the authority over their certificates. */
export const sharedKeysView = z.object({
  /** 0: with what the cluster began; rises with each replacement. */
  number: z.number(),
  /** Null: not replaced yet. */
  replacedAtMs: z.number().nullable(),
  /** SHA-256 of the authority's certificate, in hexadecimal. */
  authority: z.string(),
  /** Of the key of this computer alone. */
  own: ownKeyView,
});
export type SharedKeysView = z.infer<typeof sharedKeysView>;

/** One interface at which programs on other computers may connect. */
export const clientInterface = z.object({
  name: z.string(),
  kind: interfaceReport.shape.kind,
  addresses: z.array(z.string()),
  isOpen: z.boolean(),
  /** False: it was chosen, and this computer does not have it now, or it has no address. */
  isThere: z.boolean(),
});
export type ClientInterface = z.infer<typeof clientInterface>;

/** How programs reach the data. */
export const clientsView = z.object({
  /** Programs on other computers may connect, over TLS and with a login. */
  isOpen: z.boolean(),
  /** Why it cannot be opened now, with what to do; null: it can. */
  whyNot: z.string().nullable(),
  nodes: z.array(
    z.object({
      node: name,
      computer: z.string(),
      /** host:port for programs of the computer that answers; null: it is on another one, or not up. */
      local: z.string().nullable(),
      /** host:port for programs on other computers, over TLS; null: closed there, or not up. */
      network: z.string().nullable(),
    }),
  ),
  /** Keys over HTTP, for programs of the computer that answers. */
  http: z.string(),
  /** The same for programs on other computers, over TLS: one address for each of this computer's. None: closed. */
  httpNetwork: z.array(z.string()),
  /** Of the computer that answers. */
  interfaces: z.array(clientInterface),
  loginRequired: z.boolean(),
  users: z.array(z.string()),
  /** The cluster's authority as PEM: programs check by it whom they speak to. Null: there is none yet. */
  authority: z.string().nullable(),
});
export type ClientsView = z.infer<typeof clientsView>;
