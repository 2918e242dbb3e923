/** The box as the hosts' router: advertises itself on the LAN (runtime/router), if the site wants that. */
import type { Clock } from "../port/clock.ts";
import type { Entropy } from "../port/entropy.ts";
import type { NeighbourLink } from "../port/neighbours.ts";
import { ADV_DEFAULT_LIFETIME, Advertiser } from "../router/advertise.ts";
import { checkSolicitation, emitAdvertisement } from "../router/message.ts";
import { u32, unhex } from "../value/bytes.ts";
import type { Millis } from "../value/time.ts";

/** What the router works with. */
export interface LanParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly link: NeighbourLink;
  /** Octets that hosts' packets may have. */
  readonly mtu: number;
  /** The interface's own address on the link. */
  readonly linkAddress: Uint8Array | undefined;
  readonly count: (name: string) => void;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
}

/** How often the socket is asked: an answer to a solicitation may take half a second anyway (RFC 4861 §6.2.6). */
const ASK_INTERVAL: Millis = 250;
/** Solicitations read at a time; what a flood brings more is read the next time. */
const READ_AT_ONCE = 32;

/** Begins to advertise. @returns how to stop, with a last word to the hosts (RFC 4861 §6.2.5) */
export function advertiseOnLan(parts: LanParts): () => void {
  const { clock, entropy, link, mtu, linkAddress, count, later } = parts;
  const random = () => u32(entropy.bytes(4), 0) / 2 ** 32;
  const advertiser = new Advertiser(clock.now());
  let stopped = false;
  const send = (lifetime: number): void =>
    count(link.advertise(emitAdvertisement({ lifetime, mtu, linkAddress })) ? "out-router-advertisement" : "drop-router-advertisement");
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
