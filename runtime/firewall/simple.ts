/**
 * Simple security (RFC 6092 §3): what is never forwarded, what peers may begin without being asked, how long state lasts. The box stands where packets carry
 * ULIDs, so REC-7 (unique local addresses do not leave) is turned around: they leave as locators, through the box only.
 */

/** Addresses that mean nothing at either end of a packet (REC-3, REC-4); the documentation prefix is left to whoever routes it in a lab. */
export const INSANE_ENDS = ["::/96", "::ffff:0:0/96", "fec0::/10", "2001:10::/28"];

/** REC-1 to REC-4. Scopes up to organization-local are the boundary. */
export const SIMPLE_SANITY: readonly string[] = [
  "    ip6 saddr ff00::/8 counter name insane drop",
  "    ip6 daddr & ff0f:: <= ff08:: ip6 daddr ff00::/8 counter name insane drop",
  `    ip6 saddr { ${INSANE_ENDS.join(", ")} } counter name insane drop`,
  `    ip6 daddr { ${INSANE_ENDS.join(", ")} } counter name insane drop`,
  "    rt type 0 counter name insane drop",
];

const AH = 51;
/** What peers may begin without being asked, by IP protocol number: REC-21, REC-22, REC-26, REC-28, REC-47 (ESP, Mobility Header, HIP, Shim6). */
const LET_IN = [50, 135, 139, 140];
/** All of it, AH among them, and ports of UDP: IKE (REC-24). */
export const SIMPLE_PROTOCOLS: readonly number[] = [...LET_IN, AH];
export const SIMPLE_UDP_PORTS: readonly number[] = [500, 4500];

/** The same for nftables. */
export const SIMPLE_IN: readonly string[] = [
  `meta l4proto { ${LET_IN.join(", ")} }`,
  `ip6 nexthdr ${AH}`,
  `udp dport { ${SIMPLE_UDP_PORTS.join(", ")} }`,
];

/** Seconds of idle state: REC-12 and REC-14 (five minutes), REC-35 and REC-40 (two hours four minutes, and four minutes on the way). */
const FIVE_MINUTES = 300;
const ESTABLISHED = 7_440;
const TRANSITORY = 240;

/** Timeouts are given to a flow with its first packet. Other protocols keep those of the kernel: nftables 1.0 sets them for these two only. */
export const SIMPLE_TIMEOUTS: readonly string[] = [
  ...timeout("tcp", {
    syn_sent: TRANSITORY,
    syn_recv: TRANSITORY,
    established: ESTABLISHED,
    fin_wait: TRANSITORY,
    close_wait: TRANSITORY,
    last_ack: TRANSITORY,
    time_wait: TRANSITORY,
    close: TRANSITORY,
  }),
  ...timeout("udp", { unreplied: FIVE_MINUTES, replied: FIVE_MINUTES }),
  "  chain timeouts {",
  "    type filter hook forward priority filter - 1; policy accept;",
  '    ct state new meta l4proto tcp ct timeout set "idle_tcp"',
  '    ct state new meta l4proto udp ct timeout set "idle_udp"',
  "  }",
];

function timeout(protocol: string, policy: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(policy).map(([state, seconds]) => `${state}: ${seconds}`);
  return [`  ct timeout idle_${protocol} {`, `    protocol ${protocol}; l3proto ip6; policy = { ${entries.join(", ")} };`, "  }"];
}
