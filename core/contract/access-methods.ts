/** The part of ClusterApi that says who may use the data: users, what they may do, their passwords and tokens. */
import { z } from 'zod';
import { usualRights } from '../base/rights.ts';
import {
  accessView,
  madePassword,
  madeToken,
  tokenName,
  tokenView,
  userAccess,
  userKeyspaces,
  userName,
} from './views.ts';

const nothing = z.object({});
const userInput = z.object({ name: userName });

export const accessMethods = {
  'access.view': { input: nothing, output: accessView, changes: false },
  /** Refused with `conflict` while there is no user: nobody could come in. */
  'access.require': { input: z.object({ required: z.boolean() }), output: nothing, changes: true },
  'access.addUser': {
    input: userInput.extend({
      access: userAccess.default(usualRights.access),
      keyspaces: userKeyspaces.default(usualRights.keyspaces),
    }),
    output: madePassword,
    changes: true,
  },
  /** What is absent stays. */
  'access.changeUser': {
    input: userInput.extend({ access: userAccess.optional(), keyspaces: userKeyspaces.optional() }),
    output: nothing,
    changes: true,
  },
  'access.renewPassword': { input: userInput, output: madePassword, changes: true },
  'access.tokens': { input: nothing, output: z.array(tokenView), changes: false },
  'access.createToken': {
    input: z.object({
      user: userName,
      name: tokenName.default(''),
      /** Absent: it stays until it is revoked. */
      days: z.number().int().min(1).max(3_650).optional(),
    }),
    output: madeToken,
    changes: true,
  },
  /** By the id, or the beginning of it that is unique. */
  'access.revokeToken': {
    input: z.object({ id: z.string().min(4).max(64) }),
    output: nothing,
    changes: true,
  },
  'access.removeUser': { input: userInput, output: nothing, changes: true },
} as const;
