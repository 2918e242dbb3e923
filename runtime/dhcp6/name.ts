/** Hosts' names: of a reservation, or as the client wishes (RFC 4704), as far as others leave room. */
import type { ClientFqdn } from "../wire/dhcp6.ts";
import type { DnsName } from "../wire/dns.ts";
import { labelsOf, moveName, ROOT } from "../wire/dns-name.ts";

/** One label that is a host name and needs no escapes. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const LABEL_OCTETS = 63;
/** Hosts of one wish: `printer`, `printer-2`, … */
const SAME_NAME_LIMIT = 64;

/** The label that a client asks for; `undefined` when it wants none published or says none that is a host name. */
export function wishedLabel(fqdn: ClientFqdn | undefined): string | undefined {
  if (fqdn === undefined || fqdn.n) return undefined;
  const label = labelsOf(fqdn.name)[0]?.toLowerCase();
  return label !== undefined && LABEL.test(label) ? label : undefined;
}

/** `wish`, or with the first number behind it that makes it free; `undefined` when too many wish the same. */
export function freeLabel(wish: string, isFree: (label: string) => boolean): string | undefined {
  if (isFree(wish)) return wish;
  for (let i = 2; i <= SAME_NAME_LIMIT; i++) {
    const tail = `-${i}`;
    const label = wish.slice(0, LABEL_OCTETS - tail.length) + tail;
    if (isFree(label)) return label;
  }
  return undefined;
}

/**
 * The answer to a client's option (RFC 4704 §6). The zone's records are the box's to make: addresses of hosts are identifiers, and what
 * the world needs with them only the box knows. So S where there is a name in the zone, N where there is none.
 */
export function answerFqdn(asked: ClientFqdn, name: string | undefined, zone: DnsName | undefined): ClientFqdn {
  const full = name === undefined || zone === undefined ? undefined : moveName(name as DnsName, ROOT, zone);
  if (full === undefined) return { kind: "client-fqdn", s: false, o: asked.s, n: true, name: asked.name, whole: asked.whole };
  return { kind: "client-fqdn", s: true, o: !asked.s, n: false, name: full, whole: true };
}
