/** Every reader of bytes that come from the network. Whoever adds one to core/ adds it here: targets.test.ts looks. */
import type { FuzzTarget } from './target.ts';
import { exchangeTargets } from './targets/exchanges.ts';
import { membershipTargets } from './targets/membership.ts';
import { peerTargets } from './targets/peers.ts';

export const targets: readonly FuzzTarget[] = [...membershipTargets, ...peerTargets, ...exchangeTargets];
