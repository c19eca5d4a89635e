/** What membership needs of a storage node, which starts after it: until then datagrams are the only way, and no layout is known. */
import { CoterieError } from '../base/errors.ts';
import type { LayoutWord } from '../node/layout-gossip.ts';
import type { MembershipLink } from '../node/membership-driver.ts';
import { type LayoutMark, noLayout } from '../wire/membership/packet-codec.ts';

export class LateLink implements MembershipLink, LayoutWord {
  carrier: MembershipLink | null = null;
  word: LayoutWord | null = null;

  own(): LayoutMark {
    return this.word?.own() ?? noLayout;
  }

  heard(from: number, mark: LayoutMark): void {
    this.word?.heard(from, mark);
  }

  call(...[peer, payload, done]: Parameters<MembershipLink['call']>): void {
    if (this.carrier !== null) this.carrier.call(peer, payload, done);
    else done(new CoterieError('unavailable', 'The peer link is not there yet.'), null);
  }
}
