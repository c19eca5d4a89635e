/** Every reader of bytes that come from the network. Whoever adds one to core/ adds it here: corpus.test.ts looks. */
import type { FuzzTarget } from './target.ts';
import { computerTargets } from './targets/computers.ts';
import { exchangeTargets } from './targets/exchanges.ts';
import { httpTargets } from './targets/http.ts';
import { joinTargets } from './targets/joins.ts';
import { membershipTargets } from './targets/membership.ts';
import { pageTargets } from './targets/pages.ts';
import { peerTargets } from './targets/peers.ts';
import { respTargets } from './targets/resp.ts';

export const targets: readonly FuzzTarget[] = [
  ...[membershipTargets, peerTargets, exchangeTargets, respTargets].flat(),
  ...[httpTargets, pageTargets, joinTargets, computerTargets].flat(),
];
