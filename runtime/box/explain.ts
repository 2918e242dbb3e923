/**
 * What will happen to a packet, and why: the way of a packet through the box, walked in words. Each step asks those that decide when the packet
 * comes, and changes nothing.
 */
import type { ExplainQuestion } from "../api/facade.ts";
import type { ExplainRow } from "../api/rows-explain.ts";
import { leasesBeside, mapsHosts } from "../config/legacy.ts";
import { judge } from "../firewall/judge.ts";
import type { Firewall } from "../firewall/rule.ts";
import { refusesOutsiders } from "../policy/mapped.ts";
import { looksAtTransport } from "../policy/rule.ts";
import { showUse } from "../policy/why.ts";
import type { Address } from "../value/address.ts";
import { contains, showPrefix } from "../value/prefix.ts";
import { type EndKind, type EndParts, Ends, type Flow, type FlowEnd } from "./explain-ends.ts";
import { reasonsOf, showLegacy } from "./explain-outside.ts";
import { ExplainWay, type Step, type WayParts } from "./explain-way.ts";
import { filterOf } from "./filter.ts";

/** What an explanation rests on. */
export interface ExplainParts extends WayParts, Pick<EndParts, "look" | "hosts"> {
  /** Whether the operator has switched Shim6 off for this peer, or this port; absent = never. */
  readonly excepted?: ((peer: Address, port: number | undefined) => "peer" | "port" | undefined) | undefined;
}

type Outcome = ExplainRow["outcome"];
const OUTWARD: ReadonlySet<EndKind> = new Set(["own", "own-routable", "own-beside"]);

/** Explains. For the control thread. */
export class Explainer {
  readonly #parts: ExplainParts;
  readonly #ends: Ends;

  constructor(parts: ExplainParts) {
    this.#parts = parts;
    const { site, hosts, look, box } = parts;
    this.#ends = new Ends({ site, hosts, look, bindings: box.parts.bindings, now: () => box.parts.clock.now() });
  }

  /** The whole explanation. Resolves within the time that looking a name up may take. */
  async explain(question: ExplainQuestion): Promise<ExplainRow> {
    const from = await this.#ends.find(question.from, false);
    const to = await this.#ends.find(question.to, true);
    const steps: Step[] = [];
    for (const { news } of [from, to]) if (news !== undefined) steps.push({ step: "name", source: null, ...news });
    const [source, target] = [from.end, to.end];
    const bare = { from: showEnd(source), to: showEnd(target), context: null, pairs: [], providers: [] };
    const { address: fromAddress } = source;
    const { address: toAddress } = target;
    if (fromAddress === undefined || toAddress === undefined) {
      const missing = fromAddress === undefined ? source : target;
      return { ...bare, outcome: "unknown", verdict: `nothing is known of ${missing.asked}`, steps };
    }
    const direction = OUTWARD.has(source.kind) ? "out" : "in";
    const flow: Flow = { ...question, from: { ...source, address: fromAddress }, to: { ...target, address: toAddress }, direction };
    const way = new ExplainWay(this.#parts, flow);
    steps.push(...way.ends());
    const nowhere = this.#nowhere(flow);
    if (nowhere !== undefined)
      return {
        ...bare,
        ...nowhere,
        steps: [...steps, { step: "way", ok: nowhere.outcome === "local", what: nowhere.verdict, why: null, source: null }],
      };
    steps.push(...this.#filter(flow), ...this.#admission(flow));
    const stopped = steps.find(({ step, ok }) => (step === "filter" || step === "admission") && ok === false);
    const excepted = this.#exception(flow);
    steps.push(...excepted, ...this.#policy(flow));
    const walked = way.walk(excepted.length > 0);
    const isRefused = stopped !== undefined && walked.outcome !== "local";
    return {
      ...bare,
      outcome: isRefused ? "refused" : walked.outcome,
      verdict: isRefused ? `it goes no further than the ${stopped.step}: ${stopped.what}` : walked.verdict,
      context: walked.context ?? null,
      steps: [...steps, ...walked.steps],
      pairs: walked.pairs,
      providers: walked.providers,
    };
  }

  /** Flows that have nothing to do with the box, or nowhere to go. */
  #nowhere({ from, to, direction }: Flow): { readonly outcome: Outcome; readonly verdict: string } | undefined {
    const isOwn = (end: FlowEnd): boolean => OUTWARD.has(end.kind);
    if (isOwn(from) && isOwn(to)) return { outcome: "local", verdict: "it stays inside: it never comes to the box" };
    if (direction === "in" && !isOwn(to))
      return { outcome: "refused", verdict: "neither end is a host of this site: it never comes to the box" };
    for (const end of [from, to])
      if (end.kind === "unusable" || end.kind === "stranger")
        return { outcome: "refused", verdict: `${end.address} is no address that packets are carried between sites to` };
    const kinds = [from.kind, to.kind];
    if (kinds.includes("own-beside") && kinds.includes("peer"))
      return { outcome: "refused", verdict: "identifiers of other sites are reached from identifiers alone: no provider routes them" };
    return undefined;
  }

  #filter(flow: Flow): Step[] {
    const { site } = this.#parts;
    const { firewall } = site();
    if (firewall === undefined)
      return [{ step: "filter", ok: true, what: "nothing is filtered", why: "site.yaml has no firewall", source: null }];
    const whole = filterOf(site(), firewall);
    const { direction, from, to, protocol, port } = flow;
    const own = [...whole.own, ...whole.beside];
    const judged = judge(whole.firewall, { direction, from: from.address, to: to.address, protocol, port }, own);
    const { action, place, counter, perhaps } = judged;
    const open = perhaps.map((each) => firewall.rules[each].name);
    const verb = { accept: "lets it pass", drop: "drops it", reject: "refuses it" }[action];
    const rule = place === undefined ? undefined : firewall.rules[place];
    const by = rule === undefined ? wordsFor(counter, firewall) : `rule ${rule.name}`;
    const depends = open.length === 0 ? "" : `; for some protocols and ports ${open.slice(0, 4).join(", ")} would decide`;
    const answers = action === "accept" ? "answers pass as part of the flow" : "it is counted there";
    return [
      {
        step: "filter",
        ok:
          open.length > 0 && open.some((_, i) => (firewall.rules[perhaps[i]].action === "accept") !== (action === "accept"))
            ? null
            : action === "accept",
        what: `the filter ${verb}: ${by}`,
        why: `counter ${counter}; ${answers}${depends}`,
        source: this.#parts.line(place === undefined ? ["firewall"] : ["firewall", "rules", place]),
      },
    ];
  }

  /** Who may begin with a host of the site; what own hosts begin is not asked. */
  #admission({ direction, from, to }: Flow): Step[] {
    const { admission, legacy } = this.#parts.site();
    const isOutside = from.kind === "internet" && to.kind !== "own-routable" && (mapsHosts(legacy) || leasesBeside(legacy));
    if (direction === "out" || admission.length === 0 || isOutside) return [];
    const isIn = (prefixes: (typeof admission)[number]["peers"], address: Address): boolean =>
      prefixes?.some((each) => contains(each, address)) ?? true;
    const place = admission.findIndex(({ peers, hosts }) => isIn(peers, from.address) && isIn(hosts, to.address));
    if (place < 0)
      return [
        {
          step: "admission",
          ok: true,
          what: "the peer may begin",
          why: "no entry of admission is about it",
          source: this.#parts.line(["admission"]),
        },
      ];
    const { admitted, locators } = admission[place];
    const where = locators === undefined ? "" : `, if it comes from ${locators.map(showPrefix).join(", ")}`;
    return [
      {
        step: "admission",
        ok: locators === undefined ? admitted : null,
        what: admitted ? "the peer may begin" : "the peer gets no answer when it begins",
        why: `entry ${place + 1} of admission${where}`,
        source: this.#parts.line(["admission", place]),
      },
    ];
  }

  #exception({ from, to, direction, port }: Flow): Step[] {
    const peer = direction === "out" ? to.address : from.address;
    const kind = this.#parts.excepted?.(peer, port);
    if (kind === undefined) return [];
    const what = kind === "peer" ? `Shim6 is switched off for ${peer}` : `Shim6 is switched off for port ${port}`;
    return [{ step: "exception", ok: null, what, why: "an operator said so (PUT /exceptions)", source: "RFC 6316 §6.2" }];
  }

  #policy(flow: Flow): Step[] {
    const { site, line } = this.#parts;
    const { policy, legacy } = site();
    if (policy.length === 0) return [];
    const kinds = [flow.from.kind, flow.to.kind];
    const isOutside = kinds.includes("internet");
    if (kinds.includes("own-beside") || (isOutside && leasesBeside(legacy) && !mapsHosts(legacy))) {
      const why = "the box does not touch packets of hosts' addresses of the providers";
      return [{ step: "policy", ok: true, what: "no rule is asked", why, source: line(["legacy"]) }];
    }
    const { place, before } = reasonsOf(this.#parts, flow);
    const passed = before.map(({ rule, why }) => `${rule.name} (${why})`);
    const shown =
      passed.slice(0, PASSED_SHOWN).join(", ") + (passed.length > PASSED_SHOWN ? `, and ${passed.length - PASSED_SHOWN} more` : "");
    const why = passed.length === 0 ? null : `not ${shown}`;
    if (place === undefined)
      return [{ step: "policy", ok: true, what: "no rule decides: the providers' own priorities hold", why, source: line(["policy"]) }];
    const rule = policy[place];
    const narrow = looksAtTransport(rule.match) ? ", for this protocol and port" : "";
    const led = isOutside ? showLegacy(rule) : undefined;
    const use = isOutside && refusesOutsiders(rule) ? [] : [showUse(rule.use)];
    const wants = [...use, ...(led === undefined ? [] : [led])].join("; ");
    return [{ step: "policy", ok: true, what: `rule ${rule.name} decides${narrow}: ${wants}`, why, source: line(["policy", place]) }];
  }
}

/** Rules that do not decide are named up to so many: it is to fit one screen. */
const PASSED_SHOWN = 5;

function showEnd({ asked, name, address, kind }: FlowEnd): ExplainRow["from"] {
  return { asked, name: name ?? null, address: address ?? null, kind };
}

function wordsFor(counter: string, { simple }: Firewall): string {
  switch (counter) {
    case "insane":
      return "its addresses mean nothing (RFC 6092)";
    case "spoofed-in":
      return "an address of the site's comes from outside";
    case "spoofed-out":
      return "its source is none of the site's addresses";
    case "simple-inward":
      return "simple security lets this protocol in (RFC 6092)";
    default:
      return simple && counter === "default-inward" ? "no rule, and peers begin nothing (RFC 6092)" : "no rule is about it";
  }
}
