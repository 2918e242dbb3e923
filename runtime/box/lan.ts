/** The box as the hosts' router: advertises itself on the LAN (runtime/router), if the site wants that. */
import { everyBeside } from "../config/legacy.ts";
import { PAYLOAD_HEADER_OCTETS, type Site } from "../config/site.ts";
import type { Clock } from "../port/clock.ts";
import type { Entropy } from "../port/entropy.ts";
import type { NeighbourLink } from "../port/neighbours.ts";
import { ADV_DEFAULT_LIFETIME, Advertiser } from "../router/advertise.ts";
import { type Advertisement, checkSolicitation, emitAdvertisement } from "../router/message.ts";
import { address, UNSPECIFIED } from "../value/address.ts";
import { u32, unhex } from "../value/bytes.ts";
import type { Millis } from "../value/time.ts";
import { DNS_PORT, dnsName } from "../wire/index.ts";

/** What hosts are told as long as there is a router. */
export type Announcement = Omit<Advertisement, "lifetime">;

/**
 * What the hosts of `site` are told: that they come to DHCPv6 if it serves them, what is on the link, who answers for names. `linkAddress` is that of
 * the interface.
 */
export function announcementOf(site: Site, linkAddress: Uint8Array | undefined): Announcement {
  const { lan, tun, dns, dhcp } = site;
  const listening = (dns?.listen ?? []).filter(({ port }) => port === DNS_PORT).map(({ host }) => address(host));
  return {
    managed: dhcp !== undefined,
    other: dhcp !== undefined,
    mtu: tun.mtu - PAYLOAD_HEADER_OCTETS,
    linkAddress,
    prefixes: [...lan.subnets, ...everyBeside(site).map(({ outside }) => outside)],
    servers: (dhcp?.dns ?? listening).filter((server) => server !== UNSPECIFIED && server !== LOOPBACK),
    search: (dhcp?.search ?? []).map(dnsName),
  };
}

/** What the router works with. */
export interface LanParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly link: NeighbourLink;
  /** What hosts are told. */
  readonly says: Announcement;
  readonly count: (name: string) => void;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
}

const LOOPBACK = address("::1");
/** How often the socket is asked: an answer to a solicitation may take half a second anyway (RFC 4861 §6.2.6). */
const ASK_INTERVAL: Millis = 250;
/** Solicitations read at a time; what a flood brings more is read the next time. */
const READ_AT_ONCE = 32;

/** Begins to advertise. @returns how to stop, with a last word to the hosts (RFC 4861 §6.2.5) */
export function advertiseOnLan(parts: LanParts): () => void {
  const { clock, entropy, link, says, count, later } = parts;
  const random = () => u32(entropy.bytes(4), 0) / 2 ** 32;
  const advertiser = new Advertiser(clock.now());
  let stopped = false;
  const send = (lifetime: number): void => {
    for (const message of emitAdvertisement({ ...says, lifetime }))
      count(link.advertise(message) ? "out-router-advertisement" : "drop-router-advertisement");
  };
  const turn = (): void => {
    if (stopped) return;
    const now = clock.now();
    link.receive(READ_AT_ONCE, (message, source) => {
      const fault = checkSolicitation(message, source);
      count(fault === undefined ? "in-router-solicitation" : `drop-${fault.why}`);
      if (fault === undefined) advertiser.solicited(now, random());
    });
    if (advertiser.poll(now, random())) send(ADV_DEFAULT_LIFETIME);
    later(Math.min(now + ASK_INTERVAL, advertiser.wakeAt), turn);
  };
  turn();
  return () => {
    if (stopped) return;
    stopped = true;
    send(0);
    link.close();
  };
}

/** The text that the kernel shows for an interface's address, as octets; `undefined` if it has none of the usual kind. */
export function linkAddressOf(text: string | undefined): Uint8Array | undefined {
  const octets = text === undefined ? undefined : unhex(text.trim().replaceAll(":", ""));
  return octets?.length === 6 && octets.some((octet) => octet !== 0) ? octets : undefined;
}
