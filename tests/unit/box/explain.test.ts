/** What will happen to a packet, explained: each outcome with the steps that lead to it, against a box that would do it. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ExplainRow, explainRow } from "../../../runtime/api/rows-explain.ts";
import { egressPlan } from "../../../runtime/box/egress.ts";
import { Explainer, type ExplainParts } from "../../../runtime/box/explain.ts";
import { kindOf } from "../../../runtime/box/explain-ends.ts";
import type { Standing } from "../../../runtime/box/mapped-rules.ts";
import type { Looked } from "../../../runtime/box/names-look.ts";
import { decisionRow, flowOf, policyRows, siteRow, whereIn } from "../../../runtime/box/site-rows.ts";
import { besideAt } from "../../../runtime/config/legacy.ts";
import { readSite } from "../../../runtime/config/read.ts";
import type { Site } from "../../../runtime/config/site.ts";
import { besideOf } from "../../../runtime/locator/beside.ts";
import { address } from "../../../runtime/value/address.ts";
import { connected } from "../../lib/boxpair.ts";

const ALPHA = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8");

function site(text: string): Site {
  const reading = readSite(text, "site.yaml");
  if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
  return reading.site;
}

const { net, a, b } = await connected();
const PEER = b.ulid;
const STRANGER = address("fc00:cccc:1::1");
const NAMES: Readonly<Record<string, Looked | "late">> = {
  "h2.beta.example": { rcode: 0, addresses: [PEER], filtered: false, by: "zone" },
  "gone.example": { rcode: 3, addresses: [], filtered: false, by: "resolver" },
  "v4.example": { rcode: 0, addresses: [], filtered: false, by: "memory" },
  "hidden.example": { rcode: 0, addresses: [], filtered: true, by: "memory" },
  "broken.example": { rcode: 2, addresses: [], filtered: false, by: "resolver" },
  "slow.example": "late",
  "www.example": { rcode: 0, addresses: [address("2001:db8:ffff::80"), address("2001:db8:ffff::81")], filtered: false, by: "resolver" },
};

function explainer(text = ALPHA, change: Partial<ExplainParts> = {}): Explainer {
  const now = site(text);
  const where = whereIn("site.yaml", () => text);
  return new Explainer({
    site: () => now,
    box: a.box,
    hosts: {
      *present() {
        yield { name: "h1", ulid: a.ulid };
        yield { name: "h3", ulid: address("fc00:aaaa:1::3") };
      },
    },
    look: async (name) => NAMES[name] ?? "nobody",
    told: { drained: new Set(), saidOf: () => undefined },
    linesDown: () => new Set(),
    gatewaysSilent: () => new Set(),
    slots: () => egressPlan(now).slots,
    line: where,
    flowOf: (asked, names) => flowOf(asked, names, 0),
    ...change,
  });
}

/** Outcome, verdict, and the steps as `step ok what`. */
async function explained(from: string, to: string, text = ALPHA, change: Partial<ExplainParts> = {}, flow: object = {}) {
  const row = explainRow.parse(await explainer(text, change).explain({ from, to, ...flow }));
  return { ...row, lines: row.steps.map(({ step, ok, what }) => `${step} ${ok} ${what}`) };
}

test("a context carries it: state, provider, pair, gateway, size", async () => {
  const row = await explained("h1", "h2.beta.example");
  assert.is(row.outcome, "context");
  assert.match(row.verdict, /^context 0 carries it by isp\d$/);
  assert.is(row.context, 0);
  assert.equal(row.to.address, PEER);
  const [name, , from, to, filter, context, egress, mtu] = row.steps;
  assert.match(`${name.what}`, /^h1 is fc00:aaaa/);
  assert.match(`${row.steps[1].what} ${row.steps[1].why}`, /hosts are told .* the site's own zone says so/);
  assert.match(`${from.what} ${from.why}`, /^h1, fc00:aaaa.*: a host of this site 2 locators can be proved/);
  assert.match(`${to.what} ${to.source}`, /identifier of another site site\.yaml:\d+$/);
  assert.match(filter.what, /nothing is filtered/);
  assert.match(context.what, /context 0 carries it by isp\d: Operational, round trip \d+ ms/);
  assert.match(
    `${egress.what} ${egress.why} ${egress.source}`,
    /it leaves by up\d to 2001:db8:f\d::1 by its source: routing table 1400\d site\.yaml:\d+/,
  );
  assert.match(mtu.what, /packets of up to \d+ octets/);
  assert.is(row.pairs[0].isCurrent, true);
  assert.is(row.pairs.length, 4);
  assert.equal(
    row.providers.map(({ name: provider, state, isCandidate }) => `${provider} ${state} ${isCandidate}`),
    ["isp1 up true", "isp2 up true"],
  );
});

test("asking changes nothing: no context, no event, no packet", async () => {
  const before = [a.sent.length, a.box.events.length, a.box.parts.shim6.size];
  for (const to of ["fc00:bbbb:1::99", STRANGER, "2001:db8:ffff::1", "h1", "h3"]) await explained("h1", to);
  for (const from of [STRANGER, "fc00:aaaa:1::77"]) await explained(from, PEER);
  assert.equal([a.sent.length, a.box.events.length, a.box.parts.shim6.size], before);
});

test("a context would be set up, and by which pairs", async () => {
  const peer = address("fc00:bbbb:1::77");
  a.box.parts.bindings.learn(peer, [{ address: address("2001:db8:b3::77"), preference: { flags: 0 } }], net.now + 60_000, "dns", [
    "far.example",
  ]);
  const row = await explained("h1", peer);
  assert.equal([row.outcome, row.context], ["establish", null]);
  assert.match(row.verdict, /^the first packet sets a context up, by isp\d$/);
  assert.is(row.to.name, "far.example");
  assert.is(row.pairs.length, 2);
  assert.ok(row.steps.some(({ step, source }) => step === "context" && source === "RFC 5533 §7.3"));
  const drained = { told: { drained: new Set(["isp1"]), saidOf: () => undefined } };
  const again = await explained("h1", peer, ALPHA, { ...drained, linesDown: () => new Set(["up2"]) });
  assert.equal(
    again.providers.map(({ state }) => state),
    ["drained", "up2 is down"],
  );
});

test("names: hosts, the DNS, what was learnt before, and what is wrong with them", async () => {
  const first = async (to: string) =>
    (await explained("h1", to)).steps.find(({ step, what }) => step === "name" && !what.startsWith("h1 "));
  assert.match((await first("gone.example"))?.what ?? "", /there is no name gone\.example/);
  assert.match((await first("v4.example"))?.what ?? "", /has no address/);
  assert.match((await first("hidden.example"))?.why ?? "", /legacy\.names/);
  assert.match((await first("broken.example"))?.why ?? "", /RCODE 2/);
  assert.match((await first("slow.example"))?.why ?? "", /no resolver has answered in time/);
  assert.match((await first("unheard.example"))?.why ?? "", /answers no names/);
  assert.match((await first("far.example"))?.why ?? "", /found under that name before/);
  assert.match((await first("www.example"))?.what ?? "", /the first of 2 addresses/);
  assert.match((await first("a..b"))?.why ?? "", /neither an address nor a domain name/);
  const nobody = await explained("h9", "h2.beta.example");
  assert.equal([nobody.outcome, nobody.verdict], ["unknown", "nothing is known of h9"]);
  const named = await explained("H1.alpha.example.", PEER, `${ALPHA}zone: { name: alpha.example }\n`);
  assert.is(named.from.address, a.ulid);
});

test("what goes nowhere, and what never comes to the box", async () => {
  const cases: [from: string, to: string, outcome: string, verdict: RegExp][] = [
    ["h1", "h3", "local", /stays inside/],
    ["h1", "ff02::1", "refused", /no address that packets are carried/],
    ["h1", "fe80::1", "refused", /no address/],
    [STRANGER, "2001:db8:ffff::1", "refused", /neither end is a host of this site/],
    ["h1", STRANGER, "refused", /nobody knows where the peer is/],
    ["fc00:aaaa:1::77", PEER, "refused", /identifier proves nothing/],
  ];
  for (const [from, to, outcome, verdict] of cases) {
    const row = await explained(from, to);
    assert.is(row.outcome, outcome, `${from} ${to}: ${row.verdict}`);
    assert.match(row.verdict, verdict);
  }
  const asked = `${ALPHA}dns: { listen: ["[fc00:aaaa:1::53]:53"], upstreams: [{ server: "[2001:db8::53]:53" }] }\n`;
  assert.is((await explained("h1", STRANGER, asked)).outcome, "wait");
});

test("the filter and admission stop it, or would for some ports", async () => {
  const filtered = `${ALPHA}firewall:
  rules:
    - { name: no-mail, direction: out, protocols: [tcp], ports: [25], action: reject }
admission:
  - { peers: ["fc00:cccc::/32"], action: refuse }
`;
  const mail = await explained("h1", PEER, filtered, {}, { protocol: 6, port: 25 });
  assert.is(mail.outcome, "refused");
  assert.match(mail.verdict, /^it goes no further than the filter: the filter refuses it: rule no-mail/);
  assert.ok(mail.steps.some(({ step, source }) => step === "filter" && source !== null && /^site\.yaml:\d+$/.test(source)));
  const open = await explained("h1", PEER, filtered);
  assert.equal([open.outcome, open.steps.find(({ step }) => step === "filter")?.ok], ["context", null]);
  const inward = await explained(PEER, "h1", filtered);
  assert.is(inward.outcome, "refused");
  assert.ok(inward.lines.some((line) => line.startsWith("filter false the filter refuses it: no rule, and peers begin nothing")));
  assert.ok(inward.lines.some((line) => line === "admission true the peer may begin"));
  const stranger = await explained(STRANGER, "h1", filtered.replace("firewall:", "firewall:\n  in: accept"));
  assert.ok(
    stranger.lines.some((line) => line.startsWith("admission false the peer gets no answer")),
    stranger.lines.join("\n"),
  );
});

const RULES = `${ALPHA}policy:
  - { name: voice, protocols: [udp], ports: [5060], prefer: [isp2] }
  - { name: partner, names: [beta.example], pin: isp2 }
  - { spread: { isp1: 1, isp2: 1 } }
`;

test("policy: which rule decides, why earlier ones do not, in which line", async () => {
  const row = await explained("h1", "h2.beta.example", RULES);
  const step = row.steps.find((each) => each.step === "policy");
  assert.match(
    `${step?.what}; ${step?.why}; ${step?.source}`,
    /^rule partner decides: pinned to isp2; not voice \(protocols\); site\.yaml:\d+$/,
  );
  const voice = await explained("h1", PEER, RULES, {}, { protocol: 17, port: 5060 });
  assert.ok(voice.lines.includes("policy true rule voice decides, for this protocol and port: prefers isp2"));
});

test("the rules as rows, with lines and counts; the decision about a flow", () => {
  const now = site(RULES);
  const where = whereIn("site.yaml", () => RULES);
  const rows = [...policyRows(now, where, new Map([["partner", 4]]))];
  assert.equal(
    rows.map(({ name, use, decided }) => `${name}: ${use}, ${decided}`),
    ["voice: prefers isp2, 0", "partner: pinned to isp2, 4", "rule 3: spreads isp1 1, isp2 1, 0"],
  );
  assert.equal(rows[0].match, { protocols: [17], ports: [{ first: 5060, last: 5060 }] });
  const lines = rows.map(({ source }) => Number(source?.split(":")[1]));
  assert.equal(lines, [lines[0], lines[0] + 1, lines[0] + 2]);
  const decided = decisionRow(now, flowOf({ from: a.ulid, to: PEER, minute: 3 }, [], 0), where);
  assert.equal([decided.rule, decided.before.map(({ rule, why }) => `${rule} ${why}`)], ["rule 3", ["voice protocols", "partner names"]]);
  assert.is(decided.needsOwnContext, false);
});

test("the settings as they hold: prefixes as text, nothing secret, nothing that JSON has not", () => {
  const row = siteRow(site(RULES), "site.yaml");
  assert.equal(JSON.parse(JSON.stringify(row)), row);
  assert.match(JSON.stringify(row.settings.ulid), /"prefix":"fc00:aaaa:1::\/48"/);
});

test("peers without Shim6: mapped by shares, or refused; routable hosts pass", async () => {
  const mapped = await explained("h1", "www.example", `${ALPHA}legacy: { mode: map }\n`);
  assert.equal([mapped.outcome, mapped.verdict], ["mapped", "it is mapped: a locator of isp1 60 % or isp2 40 % stands for the host"]);
  const down = await explained("h1", "www.example", `${ALPHA}legacy: { mode: map }\n`, { linesDown: () => new Set(["up1"]) });
  assert.match(down.verdict, /a locator of isp2 stands/);
  assert.is((await explained("h1", "www.example")).outcome, "refused");
  const inward = await explained("2001:db8:ffff::80", "h1", `${ALPHA}legacy: { mode: map }\n`);
  assert.equal([inward.outcome, inward.verdict], ["mapped", "it is mapped: the host is reached at its locator of isp1 or isp2"]);
});

/** Why each provider takes what is new, or not. */
const standings = ({ providers }: Pick<ExplainRow, "providers">) =>
  providers.map(({ name, isCandidate, state }) => `${name} ${isCandidate ? "takes" : "does not"}: ${state}`);

const standing = (change: Partial<Standing>) => ({
  legacy: () => ({
    standing: () => ({ dead: new Set<string>(), drained: new Set<string>(), preferred: new Set<string>(), ...change }),
    namesOf: () => [],
  }),
});

test("mapped flows: who takes a new one now, and why others do not", async () => {
  const map = `${ALPHA}legacy: { mode: map }\n`;
  const cases: [text: string, change: Partial<ExplainParts>, rows: string[]][] = [
    [map, {}, ["isp1 takes: up", "isp2 takes: up"]],
    [map, standing({ dead: new Set(["isp1"]) }), ["isp1 does not: REAP finds nobody by it", "isp2 takes: up"]],
    [map, { linesDown: () => new Set(["up2"]) }, ["isp1 takes: up", "isp2 does not: up2 is down"]],
    [map, { told: { drained: new Set(["isp1"]), saidOf: () => undefined } }, ["isp1 does not: drained", "isp2 takes: up"]],
    [map, standing({ preferred: new Set(["isp2"]) }), ["isp1 does not: isp2 is preferred", "isp2 takes: up"]],
    [map.replace("weight: 40", "weight: 0"), {}, ["isp1 takes: up", "isp2 does not: its weight is 0"]],
    [`${map}policy: [{ name: video, prefer: [isp2] }]\n`, {}, ["isp1 does not: rule video puts it behind isp2", "isp2 takes: up"]],
    [`${map}policy: [{ name: video, pin: isp2 }]\n`, {}, ["isp1 does not: rule video leaves it out", "isp2 takes: up"]],
    [`${map}policy: [{ name: video, names: [example], pin: isp2 }]\n`, {}, ["isp1 does not: rule video leaves it out", "isp2 takes: up"]],
    [`${map}policy: [{ name: video, names: [example.net], pin: isp2 }]\n`, {}, ["isp1 takes: up", "isp2 takes: up"]],
    [
      map.replace("priority: 10, weight: 60", "priority: 20, weight: 60"),
      {},
      ["isp1 does not: isp2 has a better priority", "isp2 takes: up"],
    ],
  ];
  for (const [text, change, rows] of cases) {
    const row = await explained("h1", "www.example", text, change);
    assert.equal([row.outcome, ...standings(row)], ["mapped", ...rows], text.slice(ALPHA.length));
  }
  const lost = await explained("h1", "www.example", `${map}policy: [{ pin: isp2 }]\n`, standing({ dead: new Set(["isp2"]) }));
  assert.equal(
    lost.steps.flatMap(({ step, ok, why }) => (step === "mapping" ? [ok, why] : [])),
    [null, "none that may take it works: it goes there, and nothing comes back"],
  );
});

test("a peer by address has the names that hosts were told it by", async () => {
  const text = `${ALPHA}legacy: { mode: map }\npolicy: [{ name: video, names: [video.example], pin: isp2 }]\n`;
  const heard = {
    legacy: () => ({
      standing: () => ({ dead: new Set<string>(), drained: new Set<string>(), preferred: new Set<string>() }),
      namesOf: () => ["cdn.video.example"],
    }),
  };
  assert.match((await explained("h1", "2001:db8:ffff::9", text, heard)).verdict, /a locator of isp2 stands/);
  assert.match((await explained("h1", "2001:db8:ffff::9", text)).verdict, /isp1 60 % or isp2 40 %/);
});

test("what a rule says of peers without Shim6: refuse, pa, map", async () => {
  const never = `${ALPHA}legacy: { mode: map }\npolicy: [{ name: never, to: ["2001:db8:ffff::/48"], legacy: refuse }]\n`;
  const refused = await explained("h1", "www.example", never);
  assert.equal(
    [refused.outcome, refused.verdict],
    ["refused", "it is refused: rule never keeps it back: nothing goes there from identifiers (legacy: refuse)"],
  );
  assert.ok(refused.lines.includes("policy true rule never decides: nothing goes there from identifiers (legacy: refuse)"));
  assert.match(refused.steps.at(-1)?.source ?? "", /^site\.yaml:\d+$/);
  assert.equal(standings(refused), ["isp1 does not: rule never says legacy: refuse", "isp2 does not: rule never says legacy: refuse"]);
  const pa = await explained("h1", "www.example", `${BOTH}policy: [{ name: own, to: ["2001:db8:ffff::/48"], legacy: pa }]\n`);
  assert.is(pa.outcome, "plain");
  assert.ok(pa.lines.includes("policy true rule own decides: hosts go there from their addresses of the providers alone (legacy: pa)"));
  assert.ok(pa.lines.some((line) => line.startsWith("mapping null from its identifier: rule own keeps it back")));
  const led = await explained(
    "h1",
    "www.example",
    `${BOTH}policy: [{ name: hidden, to: ["2001:db8:ffff::/48"], legacy: map, pin: isp2 }]\n`,
  );
  assert.equal([led.outcome, led.verdict], ["mapped", "it is mapped: a locator of isp2 stands for the host"]);
  assert.ok(led.lines.some((line) => line.startsWith("beside null the host goes from its identifier, though it has addresses")));
  assert.ok(led.lines.includes("policy true rule hidden decides: pinned to isp2; hosts go there from their identifiers (legacy: map)"));
});

const DHCP = "dhcp: { policy: true }\n";
const PA = `${ALPHA}legacy: { mode: pa, subnet: 255 }\n${DHCP}`;
const BOTH = `${ALPHA}legacy: { mode: both, subnet: 255 }\n${DHCP}`;
const besideAddress = (text: string, provider: number) => besideOf(besideAt(site(text), site(text).providers[provider]), a.ulid) ?? "";

test("hosts' addresses of the providers: which, those that are deprecated, what the identifier does", async () => {
  const [first, second] = [besideAddress(PA, 0), besideAddress(PA, 1)];
  assert.match(first, /^2001:db8:a1:ff:/);
  const pa = await explained("h1", "www.example", PA);
  assert.equal([pa.outcome, pa.verdict], ["plain", "it passes as it is, from the host's address of isp1 or isp2: without Shim6"]);
  assert.ok(pa.lines.includes(`beside true the host goes from its address of isp1 (${first}) or isp2 (${second})`));
  assert.ok(pa.lines.includes("mapping null from its identifier: nothing goes there"));
  const drained = await explained("h1", "www.example", PA, standing({ drained: new Set(["isp1"]) }));
  assert.ok(drained.steps.some(({ why }) => why?.endsWith(`; deprecated: isp1 (${first})`)));
  assert.ok(drained.lines.some((line) => line.startsWith("egress true it leaves by up2")));
  assert.match(standings(drained)[0], /^isp1 does not: .*hosts' addresses of it are deprecated$/);
  const all = await explained("h1", "www.example", PA, standing({ dead: new Set(["isp1", "isp2"]) }));
  assert.match(all.verdict, /isp1 or isp2/, "when all are gone none is deprecated");
  const both = await explained("h1", "www.example", BOTH);
  assert.is(both.outcome, "plain");
  assert.ok(both.lines.includes("mapping null from its identifier: the host's address becomes a locator of isp1 60 % or isp2 40 %"));
  const inward = await explained("2001:db8:ffff::80", "h1", BOTH);
  assert.is(inward.outcome, "mapped");
  assert.ok(inward.lines.some((line) => line.startsWith("beside true the host is also reached at its address of isp1")));
});

test("a flow of such an address: its provider, no rules, and the filter knows whose it is", async () => {
  const [first] = [besideAddress(PA, 0)];
  const filtered = `${PA}firewall: { in: drop, rules: [{ name: web, direction: in, to: ["${a.ulid}/128"], protocols: [tcp], ports: [80], action: accept }] }\n`;
  const out = await explained(first, "www.example", filtered);
  assert.equal([out.outcome, out.from.kind, out.from.name], ["plain", "own-beside", "h1"]);
  assert.is(out.verdict, "it passes as it is by isp1, without Shim6: it ends when isp1 dies");
  assert.ok(
    out.lines.some((line) => line.startsWith("filter true ")),
    out.lines.join("\n"),
  );
  assert.not(out.lines.some((line) => line.includes("none of the site's addresses")));
  const web = await explained("2001:db8:ffff::80", first, filtered, {}, { protocol: 6, port: 80 });
  assert.equal([web.outcome, web.to.kind], ["plain", "own-beside"]);
  assert.ok(web.lines.includes("filter true the filter lets it pass: rule web"));
  const mail = await explained("2001:db8:ffff::80", first, filtered, {}, { protocol: 6, port: 25 });
  assert.is(mail.outcome, "refused");
  const spoofed = await explained(first, PEER, PA);
  assert.equal(
    [spoofed.outcome, spoofed.verdict.split(":")[0]],
    ["refused", "identifiers of other sites are reached from identifiers alone"],
  );
  const ruled = await explained(first, "www.example", `${PA}policy: [{ pin: isp2 }]\n`);
  assert.ok(ruled.lines.includes("policy true no rule is asked"));
});

test("Shim6 switched off for a peer or a port", async () => {
  const off = { excepted: () => "peer" as const };
  const peer = address("fc00:bbbb:1::77");
  const row = await explained("h1", peer, ALPHA, off);
  assert.equal([row.outcome, row.verdict], ["refused", "it is refused: Shim6 is switched off for it"]);
  assert.is((await explained("h1", PEER, ALPHA, off)).outcome, "context", "what is there stays");
});

test("what an address is to a box", () => {
  const now = site(ALPHA.replace("ulid: {", 'ulid: { routable: ["2001:db8:a1:10::/64"],'));
  const kinds = [
    "fc00:aaaa:1::1",
    "2001:db8:a1:10::1",
    "2001:db8:a1::1",
    "fc00:bbbb::1",
    "2001:db8:99::1",
    "64:ff9b::1.2.3.4",
    "4000::1",
    "::1",
    "ff02::1",
  ];
  assert.equal(
    kinds.map((text) => kindOf(now, address(text))),
    ["own", "own-routable", "locator", "peer", "internet", "internet", "stranger", "unusable", "unusable"],
  );
});

test.run();
