/** The second half of an explanation: how a packet between two known ends is carried, by which locators, and where it leaves. */
import type { ExplainRow } from "../api/rows-explain.ts";
import { OWN_TABLES, PAYLOAD_HEADER_OCTETS, type Provider } from "../config/site.ts";
import { everyProvider } from "../config/told.ts";
import type { PolicyFlow } from "../policy/decide.ts";
import type { ContextView, UlidPair } from "../shim6/contract.ts";
import { type Address, address } from "../value/address.ts";
import type { LocatorPair } from "../value/pair.ts";
import { contains } from "../value/prefix.ts";
import type { Flow } from "./explain-ends.ts";
import { OutsideFlow, type OutsideWay } from "./explain-outside.ts";
import { Standing, type StandingParts } from "./explain-standing.ts";

export type Step = ExplainRow["steps"][number];
type Outcome = ExplainRow["outcome"];

/** What walking a way works with. */
export interface WayParts extends StandingParts {
  /** Places of the providers among the box's routing tables. */
  readonly slots: () => ReadonlyMap<string, number>;
  /** What the rules of traffic engineering look at. */
  readonly flowOf: (
    asked: { from: Address; to: Address; protocol?: number | undefined; port?: number | undefined; class?: number | undefined },
    names: readonly string[],
  ) => PolicyFlow;
}

/** What became of the walk. */
export interface Walked {
  readonly outcome: Outcome;
  readonly verdict: string;
  readonly context: number | undefined;
  readonly steps: readonly Step[];
  readonly pairs: ExplainRow["pairs"];
  readonly providers: ExplainRow["providers"];
}

const UNREACHABLE = "the host hears that the address is unreachable (ICMPv6 type 1, code 3)";

/** The way of one flow. */
export class ExplainWay {
  readonly #parts: WayParts;
  readonly #flow: Flow;
  readonly #host: Address;
  /** The context that the flow goes on. */
  readonly #pair: UlidPair;
  readonly #peer: Address;
  readonly #isRoutable: boolean;
  readonly #standing: Standing;

  constructor(parts: WayParts, flow: Flow) {
    this.#parts = parts;
    this.#flow = flow;
    const [host, peer] = flow.direction === "out" ? [flow.from, flow.to] : [flow.to, flow.from];
    this.#host = host.address;
    this.#peer = peer.address;
    this.#isRoutable = host.kind === "own-routable";
    const { direction, protocol, port, class: dscp } = flow;
    const base = { local: this.#host, peer: this.#peer, fork: 0 };
    const transport = { protocol, sourcePort: undefined, destinationPort: port, class: dscp };
    // What comes in is on the context that the peer chose.
    this.#pair = direction === "in" ? base : parts.box.carrierOf(base, transport);
    this.#standing = new Standing(parts, this.#pair);
  }

  /** Who the two ends are. */
  ends(): Step[] {
    return [this.#end("from", this.#flow.from), this.#end("to", this.#flow.to)];
  }

  #end(step: "from" | "to", { name, address, kind }: Flow["from"]): Step {
    const who = name === undefined ? address : `${name}, ${address}`;
    const plain = (what: string, why: string | null, source: string | null = null): Step => ({
      step,
      ok: true,
      what: `${who}: ${what}`,
      why,
      source,
    });
    switch (kind) {
      case "own":
      case "own-routable":
        return this.#ownEnd(step, who, address, kind === "own-routable");
      case "own-beside":
        return plain(
          "a host of this site at its address of a provider",
          "it is leased beside the identifier",
          this.#parts.line(["legacy"]),
        );
      case "peer":
        return plain(
          "an identifier of another site",
          "it lies in ulid.generic, and the internet does not route it",
          this.#parts.line(["ulid"]),
        );
      case "bound":
        return plain("a host with Shim6 of its own", "bindings says so", this.#bindingLine(address));
      case "locator":
        return plain("a locator of this site", "it lies in the prefix of a provider", this.#parts.line(["providers"]));
      case "internet":
        return plain("an address of the internet", "it is no identifier of anybody's");
      default:
        return { step, ok: false, what: `${who}: nobody can be reached there`, why: null, source: null };
    }
  }

  #ownEnd(step: "from" | "to", who: string, address: Address, isRoutable: boolean): Step {
    const { box, site, line } = this.#parts;
    const identity = box.parts.identities.of(address);
    const place = site().hosts.findIndex(({ ulid }) => ulid === address);
    const source = place < 0 ? null : line(["hosts", place]);
    const kind = isRoutable ? "a host of this site that the internet reaches at this address" : "a host of this site";
    if (identity === undefined) {
      const why = "the box made no identifier like it (CGA), so nobody can prove its locators";
      return { step, ok: isRoutable ? null : false, what: `${who}: ${kind}, without proof`, why, source };
    }
    const { locators } = identity.list;
    return { step, ok: true, what: `${who}: ${kind}`, why: `${countOf(locators.length, "locator")} can be proved (CGA or HBA)`, source };
  }

  #bindingLine(address: Address): string | null {
    const place = this.#parts.site().bindings.findIndex(({ ulid }) => ulid === address);
    return place < 0 ? null : this.#parts.line(["bindings", place]);
  }

  /** From here on to where it leaves. `excepted` = Shim6 is switched off for it. */
  walk(excepted: boolean): Walked {
    const { box } = this.#parts;
    const context = box.parts.shim6.find(this.#pair);
    if (context?.state === "ESTABLISHED" || context?.state === "I2BIS-SENT") return this.#established(context);
    const outside = this.#isOutside() ? new OutsideFlow(this.#parts, this.#standing, this.#flow).walk() : undefined;
    if (outside !== undefined) return this.#outside(outside);
    if (this.#isRoutable && this.#flow.to.kind !== "peer" && this.#flow.from.kind !== "peer") return this.#plain(context, excepted);
    if (excepted) {
      const why = `it has no way without a context: ${UNREACHABLE}`;
      return this.#result("refused", "it is refused: Shim6 is switched off for it", [
        this.#step("context", false, "no context is set up", why),
      ]);
    }
    if (context !== undefined) return this.#unfinished(context);
    return this.#none();
  }

  #isOutside(): boolean {
    const { ulid } = this.#parts.site();
    const kinds = [this.#flow.from.kind, this.#flow.to.kind];
    return kinds.includes("own-beside") || (contains(ulid.prefix, this.#host) && kinds.includes("internet"));
  }

  #established(context: ContextView): Walked {
    const { box } = this.#parts;
    const { id } = context;
    const current = box.parts.reap.currentOf(id) ?? context.current;
    const state = box.parts.reap.stateOf(id) ?? context.state;
    const rtt = this.#standing.pathOf(current)?.roundTrip ?? context.roundTrip;
    const provider = this.#standing.providerOf(current.local);
    const by = provider === undefined ? "" : ` by ${provider.name}`;
    const delay = rtt === undefined ? "" : `, round trip ${Math.round(rtt)} ms`;
    const what = `context ${id} carries it${by}: ${state}${delay}`;
    const waits = state === "Operational" || context.state === "I2BIS-SENT";
    const why = waits ? `${current.local} → ${current.peer}` : "REAP looks for a pair that works; packets wait meanwhile (RFC 5534 §4)";
    const verdict = waits ? `context ${id} carries it${by}` : `context ${id} has no pair that works now: packets wait for one`;
    const listed = this.#standing.pairs(current);
    return {
      outcome: waits ? "context" : "wait",
      verdict,
      context: id,
      steps: [this.#step("context", waits ? true : null, what, why), ...this.#egress(provider), this.#mtu(current, provider)],
      ...listed,
    };
  }

  /** A context is on its way, or was refused lately. */
  #unfinished(context: ContextView): Walked {
    const { id, state } = context;
    if (state === "E-FAILED" || state === "NO-SUPPORT") {
      const what = state === "E-FAILED" ? "the peer did not answer lately" : "the peer says that it knows no Shim6";
      const step = this.#step("context", false, `${what} (context ${id})`, `until that is forgotten ${UNREACHABLE}`, "RFC 5533 §7.8");
      return { ...this.#result("refused", `it is refused: ${what}`, [step]), context: id };
    }
    const step = this.#step("context", null, `context ${id} is being set up: ${state}`, "packets wait for it");
    return { ...this.#result("wait", "it waits for a context that is being set up", [step], this.#standing.pairs(undefined)), context: id };
  }

  /** Nothing is there: what the first packet does. */
  #none(): Walked {
    const { box, site } = this.#parts;
    const { identities, bindings, clock } = box.parts;
    if (this.#flow.direction === "in") {
      const step = this.#step(
        "context",
        null,
        "there is none: the peer's box begins",
        "the first packet comes with a handshake (I1)",
        "RFC 5533 §7.9",
      );
      return this.#result("establish", "the peer's box sets a context up first", [step], this.#standing.pairs(undefined));
    }
    if (identities.of(this.#host) === undefined) {
      const step = this.#step("context", false, "none can be set up: nothing proves the host's locators", UNREACHABLE, "RFC 5533 §7.2");
      return this.#result("refused", "it is refused: the host's identifier proves nothing", [step]);
    }
    if (bindings.locatorsOf(this.#peer, clock.now()).length === 0) {
      const asks = site().dns?.reverse === true;
      const why = asks
        ? "the reverse tree of the DNS is asked, and the packet waits for that"
        : `nobody can be asked (dns.reverse): ${UNREACHABLE}`;
      const step = this.#step("context", asks ? null : false, "no locators of the peer are known", why);
      return asks
        ? this.#result("wait", "it waits until the DNS says where the peer is", [step])
        : this.#result("refused", "it is refused: nobody knows where the peer is", [step]);
    }
    const listed = this.#standing.pairs(undefined);
    const [first] = listed.pairs;
    if (first === undefined) {
      const step = this.#step(
        "context",
        false,
        "no pair of locators is left",
        `a rule or the providers' states leave none: ${UNREACHABLE}`,
      );
      return this.#result("refused", "it is refused: no provider may carry it", [step], listed);
    }
    const { hold } = site();
    const provider = this.#standing.providerOf(address(first.local));
    const step = this.#step(
      "context",
      true,
      "there is none: the first packet sets one up",
      `up to ${hold.packets} packets wait for it`,
      "RFC 5533 §7.3",
    );
    const by = provider === undefined ? "" : `, by ${provider.name}`;
    return this.#result(
      "establish",
      `the first packet sets a context up${by}`,
      [step, ...this.#egress(provider), this.#mtu(undefined, provider)],
      listed,
    );
  }

  /** Both ends are routed by the internet: it passes, and a context may come later. */
  #plain(context: ContextView | undefined, excepted: boolean): Walked {
    const { box, site } = this.#parts;
    const provider = this.#standing.providerOf(this.#host);
    const { packets, octets, millis } = site().establish.others;
    const when = [
      packets > 0 ? `${packets} packets` : "",
      octets > 0 ? `${octets} octets` : "",
      millis > 0 ? `${millis / 1_000} s` : "",
    ].filter((each) => each !== "");
    const locators = box.parts.identities.of(this.#host)?.list.locators.length ?? 0;
    const why = excepted
      ? "no context is set up for it"
      : context !== undefined
        ? `context ${context.id} is ${context.state}; packets pass meanwhile`
        : locators < 2
          ? "no context would win anything: the host has one locator only"
          : when.length === 0
            ? "establish never asks for a context"
            : `a context is set up after ${when.join(" or ")}, for these ports perhaps otherwise`;
    const step = this.#step(
      "context",
      true,
      "none is needed: the internet routes both ends",
      why,
      this.#parts.line(["establish"]) ?? "RFC 6629 §5.1.2",
    );
    const by = provider === undefined ? "" : ` by ${provider.name}`;
    return this.#result("plain", `it passes as it is${by}`, [step, ...this.#egress(provider), this.#mtu(undefined, provider)]);
  }

  /** The peer knows no Shim6. */
  #outside({ outcome, verdict, steps, providers, provider }: OutsideWay): Walked {
    const isMapped = outcome === "mapped";
    const way = outcome === "refused" ? [] : [...this.#egress(provider), ...(isMapped ? [this.#mtu(undefined, provider)] : [])];
    return this.#result(outcome, verdict, [...steps, ...way], { pairs: [], providers });
  }

  #result(
    outcome: Outcome,
    verdict: string,
    steps: readonly Step[],
    listed: Pick<Walked, "pairs" | "providers"> = { pairs: [], providers: [] },
  ): Walked {
    return { outcome, verdict, context: undefined, steps, ...listed };
  }

  #step(step: string, ok: boolean | null, what: string, why: string | null, source: string | null = null): Step {
    return { step, ok, what, why, source };
  }

  #egress(provider: Provider | undefined): Step[] {
    if (provider === undefined) return [];
    const { site, slots, line } = this.#parts;
    const { name, interface: device, gateway, table } = provider;
    const via = gateway === undefined ? "" : ` to ${gateway}`;
    const number = table ?? OWN_TABLES.first + 1 + (slots().get(name) ?? 0);
    const why = site().egress.manage ? `by its source: routing table ${number}` : "the machine's own routes decide (egress.manage: false)";
    const place = everyProvider(site()).findIndex((each) => each.name === name);
    return [this.#step("egress", true, `it leaves by ${device}${via}`, why, line(["providers", place]))];
  }

  #mtu(pair: LocatorPair | undefined, provider: Provider | undefined): Step {
    const { box, site, line } = this.#parts;
    const { mtu } = site().tun;
    const known = pair === undefined ? undefined : box.pathMtu(pair);
    const most = Math.min(known ?? mtu, mtu);
    const host = provider === undefined && pair === undefined ? mtu : most - PAYLOAD_HEADER_OCTETS;
    const why =
      known === undefined || known >= mtu
        ? "as much as the lines carry; TCP's segments are corrected to it (mss)"
        : "the path carries no more (RFC 8201)";
    return this.#step("mtu", true, `packets of up to ${host} octets, ${most} on the wire`, why, line(["tun", "mtu"]));
  }
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
