/** The box as the hosts' router: advertises itself on the LAN (runtime/router), if the site wants that. */
import { besideAt } from "../config/legacy.ts";
import { PAYLOAD_HEADER_OCTETS, type Site } from "../config/site.ts";
import type { Clock } from "../port/clock.ts";
import type { Entropy } from "../port/entropy.ts";
import type { NeighbourLink } from "../port/neighbours.ts";
import { Advertiser } from "../router/advertise.ts";
import { type Advertisement, checkSolicitation, emitAdvertisement } from "../router/message.ts";
import { type AdvertisedPrefixes, advertisedNow, lifetimesOf, ND_PREFERRED_LIMIT, type OfferedPrefix } from "../router/stale.ts";
import { address, UNSPECIFIED } from "../value/address.ts";
import { hex, u32, unhex } from "../value/bytes.ts";
import { showPrefix } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { DNS_PORT, dnsName } from "../wire/index.ts";

/** What hosts are told as long as there is a router. */
export interface Announcement extends Omit<Advertisement, "lifetime" | "prefixes"> {
  readonly prefixes: readonly OfferedPrefix[];
}

/** How a provider's prefix stands for hosts that have addresses in it: calendar milliseconds. */
export type LifeOf = (provider: string) => { readonly deprecated: boolean; readonly until: Millis };

const FOR_EVER: ReturnType<LifeOf> = { deprecated: false, until: NEVER };

/**
 * What the hosts of `site` are told: that they come to DHCPv6 if it serves them, what is on the link, who answers for names. `linkAddress` is that of
 * the interface; `lifeOf` tells of prefixes of which hosts have addresses beside their ULIDs.
 */
export function announcementOf(site: Site, linkAddress: Uint8Array | undefined, lifeOf: LifeOf = () => FOR_EVER): Announcement {
  const { lan, tun, dns, dhcp } = site;
  const listening = (dns?.listen ?? []).filter(({ port }) => port === DNS_PORT).map(({ host }) => address(host));
  return {
    managed: dhcp !== undefined,
    other: dhcp !== undefined,
    mtu: tun.mtu - PAYLOAD_HEADER_OCTETS,
    linkAddress,
    prefixes: [
      ...lan.subnets.map((prefix) => ({ prefix, preferredUntil: NEVER, validUntil: NEVER })),
      ...site.providers.flatMap((provider) => {
        const { deprecated, until } = lifeOf(provider.name);
        return besideAt(site, provider).map(({ outside }) => ({
          prefix: outside,
          preferredUntil: deprecated ? 0 : until,
          validUntil: until,
        }));
      }),
    ],
    servers: (dhcp?.dns ?? listening).filter((server) => server !== UNSPECIFIED && server !== LOOPBACK),
    search: (dhcp?.search ?? []).map(dnsName),
  };
}

/** What the router works with. */
export interface LanParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly link: NeighbourLink;
  /** What hosts are told, as it is now. */
  readonly says: () => Announcement;
  /** What was advertised before, and where it is kept. */
  readonly advertised: AdvertisedPrefixes;
  readonly keep: (advertised: AdvertisedPrefixes) => void;
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
  const { clock, entropy, link, says, keep, count, later } = parts;
  const random = () => u32(entropy.bytes(4), 0) / 2 ** 32;
  const advertiser = new Advertiser(clock.now());
  let { advertised } = parts;
  let last = "";
  let stopped = false;
  const send = (announcement: Announcement, lifetime: number): void => {
    const prefixes = lifetimesOf(advertised, announcement.prefixes, clock.wall());
    for (const message of emitAdvertisement({ ...announcement, prefixes, lifetime }))
      count(link.advertise(message) ? "out-router-advertisement" : "drop-router-advertisement");
  };
  /** Notes what has changed since the last look; it is on the disk before hosts hear of it. */
  const look = (announcement: Announcement, now: Millis): void => {
    const next = advertisedNow(advertised, announcement.prefixes, clock.wall());
    if (next !== advertised) keep(next);
    advertised = next;
    const text = wording(announcement);
    if (last !== "" && text !== last) advertiser.changed(now);
    last = text;
  };
  const turn = (): void => {
    if (stopped) return;
    const now = clock.now();
    const announcement = says();
    look(announcement, now);
    link.receive(READ_AT_ONCE, (message, source) => {
      const fault = checkSolicitation(message, source);
      count(fault === undefined ? "in-router-solicitation" : `drop-${fault.why}`);
      if (fault === undefined) advertiser.solicited(now, random());
    });
    if (advertiser.poll(now, random())) send(announcement, ND_PREFERRED_LIMIT);
    later(Math.min(now + ASK_INTERVAL, advertiser.wakeAt), turn);
  };
  turn();
  return () => {
    if (stopped) return;
    stopped = true;
    send(says(), 0);
    link.close();
  };
}

/** What hosts should hear of at once when it changes: lifetimes that run out do not count. */
function wording({ prefixes, linkAddress, ...rest }: Announcement): string {
  const shown = prefixes.map(({ prefix, preferredUntil }) => `${showPrefix(prefix)} ${preferredUntil === 0}`);
  return JSON.stringify([shown, rest, linkAddress === undefined ? "" : hex(linkAddress)]);
}

/** The text that the kernel shows for an interface's address, as octets; `undefined` if it has none of the usual kind. */
export function linkAddressOf(text: string | undefined): Uint8Array | undefined {
  const octets = text === undefined ? undefined : unhex(text.trim().replaceAll(":", ""));
  return octets?.length === 6 && octets.some((octet) => octet !== 0) ? octets : undefined;
}
