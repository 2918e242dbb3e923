/** RFC 8415 §18.3.11, §20.4: Reconfigure. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import type { Dhcp6Option } from "../../../runtime/wire/dhcp6.ts";
import { INFORMATION_REQUEST, REC_MAX_RC, RECONFIGURE, RELAY_REPL, RENEW, REQUEST, SOLICIT } from "../../../runtime/wire/dhcp6-number.ts";
import { dhcp6Option } from "../../../runtime/wire/dhcp6-option.ts";
import { clientId, Dhcp6World, duid, HOST, INTERFACE, iaNa, read, SERVER_DUID, serverId } from "../../lib/dhcp6.ts";

const ACCEPT: Dhcp6Option = { kind: "reconfigure-accept" };
const DNS: Address[] = [address("fc00:a:1:1::53")];

function world(): Dhcp6World {
  return new Dhcp6World({ reconfigure: true });
}

/** Reconfigures that leave: to whom, and the octets. */
function sent(effects: ReturnType<Dhcp6World["step"]>): { to: string; octets: Uint8Array }[] {
  return effects.flatMap((effect) =>
    effect.kind === "reply" && effect.type === RECONFIGURE
      ? [{ to: `${effect.to} ${effect.port} ${effect.interface}`, octets: effect.octets }]
      : [],
  );
}

test("§20.4.2 the key comes with the first Reply, and only where both sides want it", () => {
  const both = world();
  const advertise = both.ask(SOLICIT, [clientId(1), iaNa(1), ACCEPT]);
  assert.ok(dhcp6Option(advertise?.options ?? [], "reconfigure-accept"));
  assert.is(dhcp6Option(advertise?.options ?? [], "authentication"), undefined);
  const reply = both.ask(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT]);
  assert.ok(dhcp6Option(reply?.options ?? [], "reconfigure-accept"));
  const key = dhcp6Option(reply?.options ?? [], "authentication");
  assert.equal([key?.protocol, key?.algorithm, key?.rdm, key?.information.length, key?.information[0]], [3, 1, 0, 17, 1]);
  assert.is(dhcp6Option(both.ask(RENEW, [clientId(1), serverId, iaNa(1), ACCEPT])?.options ?? [], "authentication"), undefined);
  const unwilling = both.ask(REQUEST, [clientId(2), serverId, iaNa(1)]);
  const off = new Dhcp6World().ask(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT]);
  for (const message of [unwilling, off])
    for (const kind of ["reconfigure-accept", "authentication"] as const) assert.is(dhcp6Option(message?.options ?? [], kind), undefined);
});

test("§18.3.11, §20.4.2 the message: transaction 0, four options, and a digest that the client can check with its key", () => {
  const w = world();
  const reply = w.ask(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT]);
  const key = dhcp6Option(reply?.options ?? [], "authentication")?.information.subarray(1) ?? new Uint8Array();
  w.configure({ dns: DNS });
  const [{ to, octets }] = sent(w.pass(0));
  assert.is(to, `${HOST} 546 ${INTERFACE}`);
  const packet = read(octets);
  assert.equal([packet.kind, packet.type, packet.kind === "message" ? packet.transaction : 1], ["message", RECONFIGURE, 0]);
  assert.equal(
    packet.options.map(({ kind }) => kind),
    ["client-id", "server-id", "reconfigure-message", "authentication"],
  );
  assert.equal(dhcp6Option(packet.options, "client-id")?.duid, duid(1));
  assert.equal(dhcp6Option(packet.options, "server-id")?.duid, SERVER_DUID);
  assert.is(dhcp6Option(packet.options, "reconfigure-message")?.value, RENEW);
  const digest = octets.slice(-16);
  const blank = octets.slice();
  blank.fill(0, -16);
  assert.is(hex(createCrypto().hmacMd5(key, blank)), hex(digest));
});

test("§20.3 replay detection grows with each authentication option, whatever the calendar does", () => {
  const w = world();
  const replays: string[] = [];
  const note = (options: readonly Dhcp6Option[]) => replays.push(hex(dhcp6Option(options, "authentication")?.replay ?? new Uint8Array()));
  note(w.ask(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT])?.options ?? []);
  w.wall -= 1e10;
  note(w.ask(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT])?.options ?? []);
  w.configure({ dns: DNS });
  note(read(sent(w.pass(0))[0].octets).options);
  w.wall += 2e10;
  note(w.ask(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT])?.options ?? []);
  assert.equal([...replays].sort(), replays);
  assert.is(new Set(replays).size, 4);
});

test("§18.3.11 again after 2 s, 4 s, … eight times; not after the client came, by Renew, Rebind or Information-request", () => {
  const w = world();
  w.ask(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT]);
  w.configure({ dns: DNS });
  const at: number[] = [];
  const start = w.now;
  while (w.server.wakeAt < start + 3_600_000) {
    const effects = w.pass(w.server.wakeAt - w.now);
    if (sent(effects).length > 0) at.push((w.now - start) / 1000);
  }
  assert.equal(at, [0, 2, 6, 14, 30, 62, 126, 254]);
  assert.is(at.length, REC_MAX_RC);

  for (const type of [RENEW, INFORMATION_REQUEST]) {
    w.configure({ dns: type === RENEW ? [] : DNS });
    assert.is(sent(w.pass(0)).length, 1);
    w.ask(type, type === RENEW ? [clientId(1), serverId, iaNa(1), ACCEPT] : [clientId(1)]);
    assert.equal(sent(w.pass(2_000)), []);
  }
});

test("only when something that clients are told has changed, and only those that take it and have a lease", () => {
  const w = world();
  w.ask(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT]);
  w.ask(REQUEST, [clientId(2), serverId, iaNa(1)]);
  w.ask(INFORMATION_REQUEST, [clientId(3), ACCEPT]);
  w.ask(RENEW, [clientId(4), serverId, iaNa(1), ACCEPT]);
  assert.is(w.server.sizes.contacts, 1);
  w.configure({ max: 77 });
  assert.equal(sent(w.pass(0)), []);
  w.ask(RENEW, [clientId(1), serverId, iaNa(1)]);
  w.configure({ dns: DNS });
  assert.equal(sent(w.pass(0)), [], "it takes no more of them");
});

test("many clients are told a few at a time", () => {
  const w = world();
  for (let n = 1; n <= 100; n++) w.ask(REQUEST, [clientId(n), serverId, iaNa(1), ACCEPT]);
  w.configure({ dns: DNS });
  const counts: number[] = [];
  for (let i = 0; i < 5; i++) counts.push(sent(w.pass(50)).length);
  assert.equal(counts, [32, 32, 32, 4, 0]);
});

test("§19.3 a client behind a relay is told through it", () => {
  const w = world();
  w.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT], {
    link: address("fc00:a:1:105::1"),
    extra: [{ kind: "interface-id", octets: Uint8Array.of(1) }],
  });
  w.configure({ dns: DNS });
  const [{ to, octets }] = sent(w.pass(0));
  assert.is(to, `fc00:a:1:1::99 547 ${INTERFACE}`);
  const outer = read(octets);
  assert.equal(
    [outer.type, outer.kind === "relay" ? outer.peer : "", outer.options.map(({ kind }) => kind).join()],
    [RELAY_REPL, HOST, "interface-id,relay-message"],
  );
  assert.is(read(dhcp6Option(outer.options, "relay-message")?.octets ?? new Uint8Array()).type, RECONFIGURE);
});

test.run();
