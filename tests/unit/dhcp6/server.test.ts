/** RFC 8415 §18.3: what the server makes of each message. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../../runtime/value/address.ts";
import type { Dhcp6Message, Dhcp6Option } from "../../../runtime/wire/dhcp6.ts";
import { emitDhcp6 } from "../../../runtime/wire/dhcp6-message.ts";
import * as number from "../../../runtime/wire/dhcp6-number.ts";
import { dhcp6Option, dhcp6Options } from "../../../runtime/wire/dhcp6-option.ts";
import { clientId, Dhcp6World, HOST, HOUR, INTERFACE, iaNa, OWN, octets, read, SERVER_DUID, serverId, told } from "../../lib/dhcp6.ts";

const { SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE, INFORMATION_REQUEST } = number;
const { STATUS_SUCCESS, STATUS_NO_ADDRS_AVAIL, STATUS_NO_BINDING, STATUS_NOT_ON_LINK, STATUS_USE_MULTICAST, STATUS_NO_PREFIX_AVAIL } =
  number;
const FIRST = address("fc00:a:1:1::1");
const ELSEWHERE = address("fc00:a:9::1");
const TA: Dhcp6Option = { kind: "ia-ta", iaid: 5, options: [] };
const PD: Dhcp6Option = { kind: "ia-pd", iaid: 6, t1: 0, t2: 0, options: [] };
const RAPID: Dhcp6Option = { kind: "rapid-commit" };

const kinds = (message: Dhcp6Message | undefined) => message?.options.map(({ kind }) => kind);
const statusText = (message: Dhcp6Message | undefined): string | undefined => {
  const [ia] = dhcp6Options(message?.options ?? [], "ia-na");
  return ia && dhcp6Option(ia.options, "status")?.text;
};

/** A world in which host `n` has its first address. */
function leased(n = 1, changes = {}): Dhcp6World {
  const world = new Dhcp6World(changes);
  world.ask(REQUEST, [clientId(n), serverId, iaNa(1)]);
  return world;
}

test("§18.3.1, §18.3.9 Solicit: an Advertise with what a Request will get, and nothing is stored", () => {
  const world = new Dhcp6World();
  const answer = world.ask(SOLICIT, [clientId(1), iaNa(1)]);
  assert.is(answer?.type, ADVERTISE);
  assert.equal(kinds(answer), ["client-id", "server-id", "ia-na"]);
  assert.equal(dhcp6Option(answer?.options ?? [], "server-id")?.duid, SERVER_DUID);
  assert.equal(dhcp6Option(answer?.options ?? [], "client-id"), clientId(1));
  assert.equal(told(answer).living, [FIRST]);
  assert.is(world.disk.size, 0);
  assert.equal(told(world.ask(SOLICIT, [clientId(2), iaNa(1)])).living, [address("fc00:a:1:1::2")]);
  assert.equal(told(world.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).living, [FIRST]);
});

test("§18.3.9 T1 and T2 are 0.5 and 0.8 of the preferred lifetime, the same in all IAs", () => {
  const answer = new Dhcp6World().ask(SOLICIT, [clientId(1), iaNa(1), iaNa(2)]);
  const ias = dhcp6Options(answer?.options ?? [], "ia-na");
  assert.equal(
    ias.map(({ iaid, t1, t2 }) => [iaid, t1, t2]),
    [
      [1, 21_600, 34_560],
      [2, 21_600, 34_560],
    ],
  );
  const [lease] = dhcp6Options(ias[0].options, "ia-address");
  assert.equal([lease.preferred, lease.valid], [43_200, 86_400]);
  assert.is.not(told(answer).living[0], told(answer).living[1]);
});

test("§18.3.9 a hint that is not the client's own is not advertised; the preference is, where it is not 0", () => {
  const world = leased(1, { preference: 7 });
  const answer = world.ask(SOLICIT, [clientId(2), iaNa(1, FIRST)]);
  assert.equal(told(answer).living, [address("fc00:a:1:1::2")]);
  assert.equal(dhcp6Option(answer?.options ?? [], "preference"), { kind: "preference", value: 7 });
});

test("§18.3.9 IA_TA and IA_PD: NoAddrsAvail and NoPrefixAvail, within the IA", () => {
  const answer = new Dhcp6World().ask(SOLICIT, [clientId(1), iaNa(1), TA, PD]);
  assert.equal(told(answer), { living: [FIRST], ended: [], status: [STATUS_NO_ADDRS_AVAIL, STATUS_NO_PREFIX_AVAIL], top: undefined });
});

test("§18.3.1 Rapid Commit on both sides: the lease at once, durable before the Reply, which says so", () => {
  const world = new Dhcp6World();
  const answer = world.ask(SOLICIT, [clientId(1), iaNa(1), RAPID]);
  assert.is(answer?.type, REPLY);
  assert.ok(kinds(answer)?.includes("rapid-commit"));
  assert.equal([...world.disk.keys()], told(answer).living);
  assert.is(new Dhcp6World().ask(SOLICIT, [clientId(1), iaNa(1)])?.type, ADVERTISE);
});

test("§18.3.1 Rapid Commit that the operator does not want, or with nothing to commit: an Advertise", () => {
  const off = new Dhcp6World({ rapidCommit: false });
  const answer = off.ask(SOLICIT, [clientId(1), iaNa(1), RAPID]);
  assert.is(answer?.type, ADVERTISE);
  assert.not(kinds(answer)?.includes("rapid-commit"));
  assert.is(off.disk.size, 0);
  assert.is(new Dhcp6World().ask(SOLICIT, [clientId(1), PD, RAPID])?.type, ADVERTISE);
});

test("§18.3.2 Request: bindings, stored before the Reply; another IA gets another address", () => {
  const world = new Dhcp6World();
  const effects = world.raw(emit(REQUEST, [clientId(1), serverId, iaNa(1), iaNa(2)]));
  assert.equal(
    effects.map(({ kind }) => kind),
    ["count"],
  );
  const [store] = world.step({ kind: "settled" });
  assert.is(store?.kind, "store");
  if (store?.kind !== "store") return;
  assert.equal([store.leases.length, store.cga.length, store.forgotten.length], [2, 2, 0]);
  assert.equal(
    store.leases.map(({ iaid, state, matched, mac }) => [iaid, state, matched, mac]),
    [
      [1, "bound", "pool", "02:00:00:00:00:01"],
      [2, "bound", "pool", "02:00:00:00:00:01"],
    ],
  );
  const after = world.step({ kind: "stored" });
  assert.equal(
    after.map(({ kind }) => kind),
    ["lease", "lease", "reply"],
  );
});

test("§18.3.2 Request of an address that is not on the link: NotOnLink, no binding; IA_TA and IA_PD as they are", () => {
  const world = new Dhcp6World();
  const answer = world.ask(REQUEST, [clientId(1), serverId, iaNa(1, FIRST, ELSEWHERE), TA, PD]);
  assert.equal(told(answer), {
    living: [],
    ended: [],
    status: [STATUS_NOT_ON_LINK, STATUS_NO_ADDRS_AVAIL, STATUS_NO_PREFIX_AVAIL],
    top: undefined,
  });
  const temporary: Dhcp6Option = { ...iaTa(ELSEWHERE) };
  assert.equal(told(world.ask(REQUEST, [clientId(1), serverId, temporary])).status, [STATUS_NOT_ON_LINK]);
  assert.is(world.disk.size, 0);
});

test("§18.3.2 Request of another's address: one's own, not that", () => {
  const world = leased(1);
  assert.equal(told(world.ask(REQUEST, [clientId(2), serverId, iaNa(1, FIRST)])).living, [address("fc00:a:1:1::2")]);
});

test("§18.3.1 a hint that was the client's under another IAID is given again, unless that IA lives", () => {
  const world = leased(1);
  assert.is.not(told(world.ask(SOLICIT, [clientId(1), iaNa(2, FIRST)])).living[0], FIRST);
  world.ask(RELEASE, [clientId(1), serverId, iaNa(1, FIRST)]);
  assert.is.not(told(world.ask(SOLICIT, [clientId(2), iaNa(2, FIRST)])).living[0], FIRST);
  assert.equal(told(world.ask(SOLICIT, [clientId(1), iaNa(2, FIRST)])).living, [FIRST]);
  assert.equal(told(world.ask(REQUEST, [clientId(1), serverId, iaNa(2, FIRST)])).living, [FIRST]);
  assert.equal([world.disk.get(FIRST)?.iaid, world.disk.size], [2, 1]);
});

test("§21.6 the address :: names none: a wish for lifetimes is no reason for NotOnLink", () => {
  const world = new Dhcp6World();
  assert.equal(told(world.ask(REQUEST, [clientId(1), serverId, iaNa(1, address("::"))])).living, [FIRST]);
  assert.is(world.ask(CONFIRM, [clientId(1), iaNa(1, address("::"))]), undefined);
  assert.equal(told(world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST, address("::"))])), {
    living: [FIRST],
    ended: [],
    status: [],
    top: undefined,
  });
});

test("§18.3.2 Request again, with the same transaction or another: the same binding, lifetimes anew, nothing from a memory of replies", () => {
  const world = new Dhcp6World();
  const first = world.ask(REQUEST, [clientId(1), serverId, iaNa(1)], { transaction: 5 });
  world.pass(HOUR);
  assert.equal(world.ask(REQUEST, [clientId(1), serverId, iaNa(1)], { transaction: 5 }), first);
  const [lease] = world.disk.values();
  assert.is(lease.until, world.wall + 24 * HOUR);
  assert.is(lease.since, world.wall - HOUR);
  assert.is(world.disk.size, 1);
});

test("retransmissions before the disk is done: all are answered, none before it, all alike", () => {
  const world = new Dhcp6World();
  const wire = emit(REQUEST, [clientId(1), serverId, iaNa(1)]);
  const replies = (effects: ReturnType<Dhcp6World["step"]>) => effects.filter(({ kind }) => kind === "reply").length;
  assert.is(replies(world.raw(wire)), 0);
  assert.is(replies(world.raw(wire)), 0);
  assert.is(replies(world.step({ kind: "settled" })), 0);
  assert.is(replies(world.raw(wire)), 0);
  const first = world.step({ kind: "stored" });
  assert.is(replies(first), 2);
  assert.is(replies(world.step({ kind: "stored" })), 1);
  const [a, b, c] = world.seen.flatMap((effect) => (effect.kind === "reply" ? [effect.octets] : []));
  assert.equal(a, b);
  assert.equal(b, c);
});

test("§18.3.3 Confirm: Success when all addresses are right for the link, NotOnLink when one is not", () => {
  const world = new Dhcp6World();
  assert.equal(kinds(world.ask(CONFIRM, [clientId(1), iaNa(1, FIRST)])), ["client-id", "server-id", "status"]);
  assert.is(told(world.ask(CONFIRM, [clientId(1), iaNa(1, FIRST)])).top, STATUS_SUCCESS);
  assert.is(told(world.ask(CONFIRM, [clientId(1), iaNa(1, FIRST), iaNa(2, ELSEWHERE)])).top, STATUS_NOT_ON_LINK);
  assert.is(told(world.ask(CONFIRM, [clientId(1), iaNa(1, FIRST), iaTa(ELSEWHERE)])).top, STATUS_NOT_ON_LINK);
});

test("§18.3.3 Confirm without addresses, or from a link that is not known: no Reply", () => {
  const world = new Dhcp6World();
  assert.is(world.ask(CONFIRM, [clientId(1), iaNa(1)]), undefined);
  assert.is(world.ask(CONFIRM, [clientId(1)]), undefined);
  assert.is(world.askRelayed(CONFIRM, [clientId(1), iaNa(1, FIRST)], { link: address("2001:db8::1") }), undefined);
});

test("§18.3.4 Renew: new lifetimes for what is there, stored first", () => {
  const world = leased();
  world.pass(6 * HOUR);
  const answer = world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST)]);
  assert.equal(told(answer), { living: [FIRST], ended: [], status: [], top: undefined });
  assert.is(world.disk.get(FIRST)?.until, world.wall + 24 * HOUR);
});

test("§18.3.4 Renew: an address that is not the client's here comes back with lifetimes of 0", () => {
  const world = leased();
  const strange = address("fc00:a:1:1::77");
  const answer = world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST, ELSEWHERE, strange)]);
  assert.equal(told(answer), { living: [FIRST], ended: [ELSEWHERE, strange], status: [], top: undefined });
});

test("§18.3.4 Renew without a binding: NoBinding with a text, also for IA_TA and IA_PD", () => {
  const world = leased(1);
  const answer = world.ask(RENEW, [clientId(2), serverId, iaNa(1, FIRST), TA, PD]);
  assert.equal(told(answer), { living: [], ended: [], status: [STATUS_NO_BINDING, STATUS_NO_BINDING, STATUS_NO_BINDING], top: undefined });
  assert.is(statusText(answer), "not known here");
  assert.equal(told(world.ask(RENEW, [clientId(1), serverId, iaNa(2, FIRST)])).status, [STATUS_NO_BINDING]);
});

test("§18.3.4 Renew of a lease that ran out or was given back: the same address again", () => {
  const world = leased();
  world.pass(25 * HOUR);
  assert.is(world.disk.get(FIRST)?.state, "released");
  assert.equal(told(world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST)])).living, [FIRST]);
  assert.is(world.disk.get(FIRST)?.state, "bound");
});

test("§18.3.4 a host that moved to another link renews: the old address ends, one of that link lives", () => {
  const world = leased();
  const link = address("fc00:a:1:105::1");
  const answer = world.askRelayed(RENEW, [clientId(1), serverId, iaNa(1, FIRST)], { link });
  assert.equal(told(answer).ended, [FIRST]);
  assert.is(told(answer).living.length, 1);
  assert.ok(told(answer).living[0].startsWith("fc00:a:1:105:"));
  assert.is(world.disk.get(FIRST)?.state, "released");
  const back = told(world.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).living;
  assert.equal(back, [FIRST]);
});

test("§18.3.5 Rebind: as Renew, without a Server Identifier; unknown and off the link: lifetimes of 0; unknown and right: NoBinding", () => {
  const world = leased();
  assert.equal(told(world.ask(REBIND, [clientId(1), iaNa(1, FIRST)])), { living: [FIRST], ended: [], status: [], top: undefined });
  assert.equal(told(world.ask(REBIND, [clientId(2), iaNa(1, ELSEWHERE)])), { living: [], ended: [ELSEWHERE], status: [], top: undefined });
  assert.equal(told(world.ask(REBIND, [clientId(2), iaNa(1, FIRST)])).status, [STATUS_NO_BINDING]);
  assert.equal(told(world.ask(REBIND, [clientId(2), iaNa(1)])).status, [STATUS_NO_BINDING]);
});

test("§18.3.6 Information-request: what was asked for, with and without a Client Identifier; nothing is kept", () => {
  const world = new Dhcp6World();
  const asked: Dhcp6Option = { kind: "option-request", codes: [23, 32, 82, 83] };
  const named = world.ask(INFORMATION_REQUEST, [clientId(1), asked]);
  assert.equal(kinds(named), ["client-id", "server-id", "dns-servers", "refresh-time", "sol-max-rt", "inf-max-rt"]);
  const nameless = world.ask(INFORMATION_REQUEST, [asked]);
  assert.is(nameless?.type, REPLY);
  assert.equal(kinds(nameless), ["server-id", "dns-servers", "refresh-time", "sol-max-rt", "inf-max-rt"]);
  assert.equal(world.server.sizes, { living: 0, known: 0, offers: 0, contacts: 0 });
});

test("§18.3.7 Release: Success, the lease ends, and the host finds its address again", () => {
  const world = leased();
  const answer = world.ask(RELEASE, [clientId(1), serverId, iaNa(1, FIRST)]);
  assert.equal(kinds(answer), ["client-id", "server-id", "status"]);
  assert.is(told(answer).top, STATUS_SUCCESS);
  assert.is(world.disk.get(FIRST)?.state, "released");
  assert.equal(told(world.ask(SOLICIT, [clientId(2), iaNa(1)])).living, [address("fc00:a:1:1::2")]);
  assert.equal(told(world.ask(SOLICIT, [clientId(1), iaNa(1)])).living, [FIRST]);
});

test("§18.3.7 Release: NoBinding for each IA without one; addresses of others are passed over", () => {
  const world = leased(1);
  world.ask(REQUEST, [clientId(2), serverId, iaNa(1)]);
  const second = address("fc00:a:1:1::2");
  const answer = world.ask(RELEASE, [clientId(2), serverId, iaNa(1, FIRST), iaNa(9, second), PD]);
  assert.equal(told(answer), { living: [], ended: [], status: [STATUS_NO_BINDING, STATUS_NO_BINDING], top: STATUS_SUCCESS });
  assert.is(world.disk.get(FIRST)?.state, "bound");
  assert.is(world.disk.get(second)?.state, "bound");
});

test("§18.3.8 Decline: the address is set aside, the host gets another, and nobody else gets that one", () => {
  const world = leased();
  const answer = world.ask(DECLINE, [clientId(1), serverId, iaNa(1, FIRST)]);
  assert.is(told(answer).top, STATUS_SUCCESS);
  assert.is(world.disk.get(FIRST)?.state, "declined");
  assert.equal(told(world.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).living, [address("fc00:a:1:1::2")]);
  assert.equal(told(world.ask(DECLINE, [clientId(2), serverId, iaNa(1, FIRST), PD])).status, [STATUS_NO_BINDING]);
  assert.is(world.disk.get(FIRST)?.state, "declined");
  world.restart();
  assert.equal(told(world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST)])), {
    living: [address("fc00:a:1:1::2")],
    ended: [FIRST],
    status: [],
    top: undefined,
  });
});

test("§18.4 by unicast: Request, Renew, Release, Decline are answered UseMulticast and nothing else; the others not at all (§16)", () => {
  const world = leased();
  for (const type of [REQUEST, RENEW, RELEASE, DECLINE]) {
    const answer = world.ask(type, [clientId(1), serverId, iaNa(1, FIRST)], { to: OWN });
    assert.equal(kinds(answer), ["client-id", "server-id", "status"], `${type}`);
    assert.is(told(answer).top, STATUS_USE_MULTICAST);
  }
  for (const type of [SOLICIT, CONFIRM, REBIND, INFORMATION_REQUEST])
    assert.is(world.ask(type, [clientId(1), ...(type === INFORMATION_REQUEST ? [] : [iaNa(1)])], { to: OWN }), undefined, `${type}`);
  assert.is(world.disk.get(FIRST)?.state, "bound");
  assert.is(world.counts.get("drop-unicast-dhcp6"), 4);
});

test("§18.3.10 the answer goes to where the message came from, port 546, by the same interface", () => {
  const world = new Dhcp6World();
  const [, reply] = world.raw(emit(SOLICIT, [clientId(1), iaNa(1)]), { port: 1234 });
  assert.is(reply.kind, "reply");
  if (reply.kind !== "reply") return;
  assert.equal([reply.to, reply.port, reply.interface, reply.from], [HOST, 546, INTERFACE, undefined]);
  assert.is(read(reply.octets).type, ADVERTISE);
});

test("§11 DUIDs of every kind and of none that we know are clients alike; those too short or too long are none", () => {
  const world = new Dhcp6World();
  const good = [
    "000100011122334402000000aaaa",
    "00020000000900",
    "0003000102000000aaaa",
    `0004${"ab".repeat(16)}`,
    "ffff01",
    `0077${"cd".repeat(128)}`,
  ];
  const given = good.map((duid) => told(world.ask(REQUEST, [{ kind: "client-id", duid: octets(duid) }, serverId, iaNa(1)])).living[0]);
  assert.is(new Set(given).size, good.length);
  for (const duid of ["0003", `0077${"cd".repeat(129)}`])
    assert.is(world.ask(SOLICIT, [{ kind: "client-id", duid: octets(duid) }, iaNa(1)]), undefined);
  assert.is(world.counts.get("drop-bad-option-dhcp6"), 2);
});

test("what is no message of ours is dropped and counted, and the service goes on", () => {
  const world = leased();
  world.raw(octets("01"));
  world.raw(octets("fe000000"));
  world.raw(octets("01000001 0001 00ff 00"));
  world.raw(emit(ADVERTISE, [clientId(1), serverId]));
  world.raw(emit(SOLICIT, [clientId(1)]), { from: address("ff02::1") });
  assert.equal(
    [...world.counts].filter(([name]) => name.startsWith("drop")),
    [
      ["drop-short-dhcp6", 1],
      ["drop-unknown-dhcp6", 1],
      ["drop-short-option-dhcp6", 1],
      ["drop-type-dhcp6", 1],
      ["drop-source-dhcp6", 1],
    ],
  );
  assert.equal(told(world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST)])).living, [FIRST]);
});

test("unknown options are passed over, also inside IAs", () => {
  const world = new Dhcp6World();
  const strange: Dhcp6Option = { kind: "raw", code: 4711, octets: octets("00112233") };
  const ia: Dhcp6Option = { kind: "ia-na", iaid: 1, t1: 9, t2: 8, options: [strange] };
  const answer = world.ask(SOLICIT, [strange, clientId(1), ia, strange]);
  assert.equal(kinds(answer), ["client-id", "server-id", "ia-na"]);
  assert.is(told(answer).living.length, 1);
});

function emit(type: number, options: Dhcp6Option[]): Uint8Array {
  return emitDhcp6({ kind: "message", type, transaction: 77, options });
}

function iaTa(value: typeof FIRST): Dhcp6Option {
  return { kind: "ia-ta", iaid: 5, options: [{ kind: "ia-address", address: value, preferred: 0, valid: 0, options: [] }] };
}

test.run();
