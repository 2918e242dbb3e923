/**
 * Keeps a name server's zones as they should be (RFC 2136): looks at what is there with a zone transfer, sends the difference, retries. A pure machine; what is
 * in its memory is only what it knows about the server: after a restart it looks again.
 *
 *     want ─→ pending names ─→ one update message ─→ NOERROR: known to be there
 *      ↑                            └─ no answer, so nobody knows, or a prerequisite failed: looks again
 *     zone transfer at start, and every hour; where that is not allowed names are replaced whole
 */
import type { CryptoPort } from "../port/crypto.ts";
import type { Prefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import { type Millis, NEVER } from "../value/time.ts";
import {
  type DnsMessage,
  type DnsName,
  OPCODE_UPDATE,
  RCODE_FORMERR,
  RCODE_NOERROR,
  RCODE_NOTAUTH,
  RCODE_NOTIMP,
  RCODE_REFUSED,
  RCODE_YXDOMAIN,
  TYPE_AAAA,
  TYPE_PTR,
} from "../wire/dns.ts";
import { emitDns } from "../wire/dns-emit.ts";
import { parseDns } from "../wire/dns-parse.ts";
import type { Contents, Zone } from "./contents.ts";
import { type Listing, TransferReader } from "./listing.ts";
import { type SyncStep, ZoneSync } from "./sync.ts";
import { signRequest, TSIG_BADKEY, TSIG_BADSIG, TSIG_BADTIME, TsigAnswer, type TsigKey } from "./tsig.ts";
import { transferRequest, updateMessage } from "./update.ts";

/** What the updater wants done. */
export type UpdaterEffect =
  /** Connect to the name server by TCP, send `octets`, hand over each message that comes. */
  | { readonly kind: "open"; readonly exchange: number; readonly octets: Uint8Array }
  | { readonly kind: "close"; readonly exchange: number }
  | { readonly kind: "tell"; readonly level: "info" | "warn"; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: "count"; readonly name: string; readonly by: number }
  /** Labels in the forward zone that are somebody else's; `undefined` = nobody knows, so no host may just claim one. */
  | { readonly kind: "foreign"; readonly labels: ReadonlySet<string> | undefined };

/** How the server is spoken to. */
export interface UpdaterTerms {
  readonly key: TsigKey | undefined;
  readonly crypto: Pick<CryptoPort, "hmac" | "equal">;
  /** ULIDs of ours are in it. */
  readonly ulidPrefix: Prefix;
  readonly ulidType: number;
}

/** Two instants: on the clock that only goes forward, and seconds of the calendar, for signatures. */
export interface UpdaterTime {
  readonly now: Millis;
  readonly seconds: number;
}

/** Nothing came for so long: the exchange is given up. */
export const ANSWER_LIMIT: Millis = 10_000;
/** First wait after a failure; it doubles. */
export const RETRY_FIRST: Millis = 1_000;
export const RETRY_MOST: Millis = 300_000;
/** How often the server is looked at, whatever happens: somebody may have changed or restored its zones. */
export const LOOK_INTERVAL: Millis = 3_600_000;
/** RFC 2136 §2.2: a prerequisite did not hold, or the zone is not what we took it for. */
const PREREQUISITE_FIRST = RCODE_YXDOMAIN;
const PREREQUISITE_LAST = 8; // NXRRSET
const RCODE_TEXTS: ReadonlyMap<number, string> = new Map([
  [RCODE_FORMERR, "it does not understand the request (FORMERR)"],
  [2, "it has a fault of its own (SERVFAIL)"],
  [RCODE_NOTIMP, "it takes no updates (NOTIMP)"],
  [RCODE_REFUSED, "it does not allow this (REFUSED)"],
  [RCODE_NOTAUTH, "it does not serve the zone, or does not take the key (NOTAUTH)"],
]);

interface Place {
  readonly sync: ZoneSync;
  readonly kind: Zone["kind"];
  /** When it is looked at next. */
  lookAt: Millis;
  /** The server did not show it the last time. */
  hidden: boolean;
  /** After a failure: not before. */
  notBefore: Millis;
  failures: number;
  /** What was said last about it; `undefined` = all is well. */
  told: string | undefined;
}

interface Flight {
  readonly exchange: number;
  readonly place: Place;
  readonly id: number;
  /** 0 … 1: spreads retries. */
  readonly spread: number;
  readonly answer: TsigAnswer | undefined;
  readonly job: { readonly kind: "look"; readonly reader: TransferReader } | { readonly kind: "step"; readonly step: SyncStep };
  deadline: Millis;
}

/** The machine for one name server. */
export class Updater {
  readonly #terms: UpdaterTerms;
  #places: readonly Place[] = [];
  #flight: Flight | undefined;
  #exchanges = 0;
  #forward: DnsName | undefined;

  constructor(terms: UpdaterTerms) {
    this.#terms = terms;
  }

  /** Names whose records at the server are not known to be right. */
  get pending(): number {
    const flying = this.#flight?.job.kind === "step" ? this.#flight.job.step.names.size : 0;
    return this.#places.reduce((sum, { sync }) => sum + sync.pending, flying);
  }

  /** When {@link poll} has something to do. */
  get wakeAt(): Millis {
    if (this.#flight !== undefined) return this.#flight.deadline;
    return Math.min(NEVER, ...this.#places.map((place) => Math.max(place.notBefore, place.sync.pending > 0 ? 0 : place.lookAt)));
  }

  /** From now on this should be there. Zones that are not in `contents` any more are left as they are. */
  want(contents: Contents, now: Millis): void {
    this.#forward = contents.find(({ kind }) => kind === "forward")?.origin;
    this.#places = contents.map((zone) => {
      const known = this.#places.find(({ sync }) => sync.scope.origin === zone.origin);
      const place = known ?? this.#newPlace(zone, now);
      place.sync.want(zone.nodes);
      return place;
    });
  }

  /** Goes on with what is due. @param random 32 fresh bits */
  poll(time: UpdaterTime, random: number): UpdaterEffect[] {
    const effects: UpdaterEffect[] = [];
    if (this.#flight !== undefined && time.now >= this.#flight.deadline)
      effects.push(...this.#fail(this.#flight, "it does not answer", time.now, true));
    if (this.#flight !== undefined) return effects;
    for (const place of this.#places) {
      if (place.notBefore > time.now) continue;
      const opened = this.#start(place, time, random);
      if (opened !== undefined) return [...effects, ...opened];
    }
    return effects;
  }

  /** A message came in an exchange. */
  answer(exchange: number, octets: Uint8Array, time: UpdaterTime): UpdaterEffect[] {
    const flight = this.#flight;
    if (flight?.exchange !== exchange) return [];
    flight.deadline = time.now + ANSWER_LIMIT;
    const message = parseDns(octets);
    if (message instanceof Reject) return this.#fail(flight, `its answer cannot be read (${message.why})`, time.now, true);
    if (message.id !== flight.id || !message.response) return this.#fail(flight, "its answer is to another question", time.now, true);
    const verdict = flight.answer?.take(octets, message.additional.at(-1), time.seconds);
    switch (verdict?.kind) {
      case "refused":
        return this.#fail(flight, refusalText(verdict.error, verdict.serverTime, time.seconds), time.now, false);
      case "bad":
        if (verdict.why === "unsigned" && flight.job.kind === "look" && isDenial(message.rcode))
          return this.#denied(flight, message.rcode, time.now);
        return this.#fail(flight, `its answer is not signed as it should be (${verdict.why}${rcodeHint(message.rcode)})`, time.now, true);
      default:
        return flight.job.kind === "look"
          ? this.#takeListing(flight, flight.job.reader, message, time.now)
          : this.#takeDone(flight, flight.job.step, message, time.now);
    }
  }

  /** The connection of an exchange could not be made, or ended. @param why a few words */
  lost(exchange: number, why: string, now: Millis): UpdaterEffect[] {
    const flight = this.#flight;
    return flight?.exchange === exchange ? this.#fail(flight, why, now, true) : [];
  }

  #newPlace({ origin, kind }: Zone, now: Millis): Place {
    const { ulidType } = this.#terms;
    const scope =
      kind === "forward" ? { origin, types: [TYPE_AAAA, ulidType], mark: ulidType } : { origin, types: [TYPE_PTR], mark: TYPE_PTR };
    return { sync: new ZoneSync(scope), kind, lookAt: now, hidden: false, notBefore: now, failures: 0, told: undefined };
  }

  #start(place: Place, { now, seconds }: UpdaterTime, random: number): UpdaterEffect[] | undefined {
    const { origin } = place.sync.scope;
    const id = random & 0xffff;
    let message: DnsMessage;
    let job: Flight["job"];
    if (place.lookAt <= now) {
      message = transferRequest(id, origin);
      job = {
        kind: "look",
        reader: new TransferReader(place.sync.scope, { prefix: this.#terms.ulidPrefix, zone: this.#forward ?? origin }),
      };
    } else {
      const step = place.sync.step();
      if (step === undefined) return undefined;
      message = updateMessage(id, origin, step.prerequisites, step.updates);
      job = { kind: "step", step };
    }
    const { key, crypto } = this.#terms;
    const plain = emitDns(message);
    const signed = key === undefined ? undefined : signRequest(plain, key, seconds, crypto);
    const answer = key === undefined || signed === undefined ? undefined : new TsigAnswer(key, signed.mac, crypto);
    const exchange = ++this.#exchanges;
    this.#flight = { exchange, place, id, spread: (random >>> 16) / 0x1_0000, answer, job, deadline: now + ANSWER_LIMIT };
    return [
      { kind: "open", exchange, octets: signed?.octets ?? plain },
      { kind: "count", name: message.opcode === OPCODE_UPDATE ? "out-update-zone" : "out-transfer-zone", by: 1 },
    ];
  }

  #takeListing(flight: Flight, reader: TransferReader, message: DnsMessage, now: Millis): UpdaterEffect[] {
    if (isDenial(message.rcode)) return this.#denied(flight, message.rcode, now);
    if (message.rcode !== RCODE_NOERROR)
      return this.#fail(flight, RCODE_TEXTS.get(message.rcode) ?? `it answers ${message.rcode}`, now, false);
    const state = reader.take(message);
    if (state === "more") return [];
    if (state !== "done" || flight.answer?.complete === false)
      return this.#fail(flight, `its zone transfer is ${state === "large" ? "too large" : "broken"}`, now, false);
    const { place } = flight;
    const listing = reader.listing();
    place.lookAt = now + LOOK_INTERVAL;
    place.hidden = false;
    place.sync.listed(listing);
    const effects = this.#succeed(flight);
    return place.kind === "forward" ? [...effects, { kind: "foreign", labels: labelsOf(listing, place.sync.scope.origin) }] : effects;
  }

  /** The server does not show its zone: then names are replaced whole, and names of hosts that are gone since before our start stay. */
  #denied(flight: Flight, rcode: number, now: Millis): UpdaterEffect[] {
    const { place } = flight;
    const first = !place.hidden;
    place.hidden = true;
    place.lookAt = now + LOOK_INTERVAL;
    place.sync.unlisted();
    const effects = this.#succeed(flight);
    if (place.kind === "forward") effects.push({ kind: "foreign", labels: undefined });
    const fields = { zone: place.sync.scope.origin, why: RCODE_TEXTS.get(rcode) };
    const message =
      "the name server does not show its zone: what left while the box was down stays there, and hosts get no names of their own choice; allow zone transfers to the key";
    return first ? [...effects, { kind: "tell", level: "warn", message, fields }] : effects;
  }

  #takeDone(flight: Flight, step: SyncStep, { rcode, opcode }: DnsMessage, now: Millis): UpdaterEffect[] {
    const { place } = flight;
    if (rcode === RCODE_NOERROR && opcode === OPCODE_UPDATE) {
      place.sync.done(step);
      return [...this.#succeed(flight), { kind: "count", name: "updated-name-zone", by: step.names.size }];
    }
    if (rcode >= PREREQUISITE_FIRST && rcode <= PREREQUISITE_LAST) place.lookAt = now;
    return this.#fail(flight, RCODE_TEXTS.get(rcode) ?? `it answers ${rcode}`, now, false);
  }

  #succeed(flight: Flight): UpdaterEffect[] {
    const { place } = flight;
    this.#flight = undefined;
    place.failures = 0;
    const effects: UpdaterEffect[] = [{ kind: "close", exchange: flight.exchange }];
    if (place.told !== undefined)
      effects.push({ kind: "tell", level: "info", message: "the name server follows again", fields: { zone: place.sync.scope.origin } });
    place.told = undefined;
    return effects;
  }

  /** @param unsure whether the server may have done what it was asked */
  #fail(flight: Flight, why: string, now: Millis, unsure: boolean): UpdaterEffect[] {
    const { place, job, spread } = flight;
    this.#flight = undefined;
    if (job.kind === "step" && place.sync.failed(job.step, unsure)) place.lookAt = now;
    const wait = Math.min(RETRY_MOST, RETRY_FIRST * 2 ** Math.min(place.failures, 30)) * (0.75 + spread / 2);
    place.failures++;
    place.notBefore = now + wait;
    const effects: UpdaterEffect[] = [
      { kind: "close", exchange: flight.exchange },
      { kind: "count", name: "failed-update-zone", by: 1 },
    ];
    const known = place.told === why;
    place.told = why;
    if (known) return effects;
    const fields = { zone: place.sync.scope.origin, why, waiting: place.sync.pending, retryMilliseconds: Math.round(wait) };
    return [...effects, { kind: "tell", level: "warn", message: "the name server does not follow", fields }];
  }
}

/** The server answers, and will not hand out its zone. */
function isDenial(rcode: number): boolean {
  return rcode === RCODE_REFUSED || rcode === RCODE_NOTIMP || rcode === RCODE_FORMERR;
}

function refusalText(error: number, serverTime: number | undefined, seconds: number): string {
  switch (error) {
    case TSIG_BADKEY:
      return "it does not know the key (BADKEY): give it the same name and algorithm";
    case TSIG_BADSIG:
      return "its secret is another one (BADSIG): compare the key's file with its configuration";
    case TSIG_BADTIME:
      return `its clock and ours differ (BADTIME)${serverTime === undefined ? "" : `: it is ${Math.round(serverTime - seconds)} s ahead of ours`}`;
    default:
      return `it refuses the signature (error ${error})`;
  }
}

function rcodeHint(rcode: number): string {
  return rcode === RCODE_NOERROR ? "" : `, ${RCODE_TEXTS.get(rcode) ?? `answer ${rcode}`}`;
}

/** Labels right under the zone's origin that somebody else has. */
function labelsOf({ foreign }: Listing, origin: DnsName): ReadonlySet<string> {
  return new Set(
    [...foreign.keys()].flatMap((name) =>
      name === origin
        ? []
        : (name
            .slice(0, -origin.length - 1)
            .split(".")
            .at(-1) ?? []),
    ),
  );
}
