/**
 * The constants of the membership protocol, named after what they bound. Values are those of memberlist's LAN profile,
 * which has years of use behind it; the second profile is for nodes that share one computer, where an answer takes
 * microseconds and a silence means more.
 */
export interface MembershipSettings {
  /** The protocol period: each node probes one other per period. Shorter: quicker detection, more messages. */
  readonly probeIntervalMs: number;
  /** Wait for a direct answer before others are asked to probe. Above the 99th percentile of a round trip. */
  readonly probeTimeoutMs: number;
  /** Others who are asked to probe as well. More: fewer false suspicions from one bad path, more messages on failure. */
  readonly indirectProbeCount: number;
  /** Shortest suspicion = this × max(1, log10 n) × probeIntervalMs. Longer: fewer false deaths, later true ones. */
  readonly suspicionMultiplier: number;
  /** Longest suspicion, when nobody else confirms, as a multiple of the shortest. */
  readonly suspicionMaxMultiplier: number;
  readonly gossipIntervalMs: number;
  readonly gossipFanout: number;
  /** Each claim leaves a node this × ceil(log10(n + 1)) times. */
  readonly retransmitMultiplier: number;
  /** Full exchange of states with one other; stretched for more than 32 nodes. */
  readonly exchangeIntervalMs: number;
  /** The newly dead are gossiped to for so long, so that a wrongly dead node hears of it and refutes. */
  readonly gossipToDeadMs: number;
  /** Upper bound of the local health score: probe intervals and timeouts are stretched up to (1 + this) times. */
  readonly awarenessMax: number;
  /** A process that stood still for longer than this distrusts what it missed. */
  readonly pauseMs: number;
  /** And accuses nobody for so long afterwards. The same after a start. */
  readonly quietMs: number;
  /** Off: plain SWIM (no local health, no confirmations, no buddies, no nacks). For measuring the difference. */
  readonly lifeguard: boolean;
}

export const lanSettings: MembershipSettings = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectProbeCount: 3,
  suspicionMultiplier: 4,
  suspicionMaxMultiplier: 6,
  gossipIntervalMs: 200,
  gossipFanout: 3,
  retransmitMultiplier: 4,
  exchangeIntervalMs: 30_000,
  gossipToDeadMs: 30_000,
  awarenessMax: 8,
  pauseMs: 5_000,
  quietMs: 5_000,
  lifeguard: true,
};

export const oneComputerSettings: MembershipSettings = {
  ...lanSettings,
  probeTimeoutMs: 200,
  indirectProbeCount: 1,
  suspicionMultiplier: 3,
  gossipIntervalMs: 100,
};

/** How often one claim is sent by one node (SWIM 4.1: λ log n suffices for it to reach everybody with high probability). */
export function retransmitCountMax(settings: MembershipSettings, memberCount: number): number {
  return settings.retransmitMultiplier * Math.ceil(Math.log10(memberCount + 1));
}

/** Exchanges carry the whole list: for larger clusters they are rarer, as in memberlist. */
export function exchangeIntervalOf(settings: MembershipSettings, memberCount: number): number {
  const scale = memberCount <= 32 ? 1 : Math.ceil(Math.log2(memberCount / 32)) + 1;
  return settings.exchangeIntervalMs * scale;
}
