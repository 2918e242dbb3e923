/** RFC 8415 §16: every message type × identifiers × how it came, against what the RFC's paragraphs say. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ASSOCIATION_LIMIT, checkMessage } from "../../../runtime/dhcp6/check.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import type { Dhcp6Option } from "../../../runtime/wire/dhcp6.ts";
import { dhcp6TypeName } from "../../../runtime/wire/dhcp6-message.ts";
import { clientId, iaNa, octets, SERVER_DUID, serverId } from "../../lib/dhcp6.ts";

const OTHER: Dhcp6Option = { kind: "server-id", duid: octets("000300019999") };
const SERVERS: Record<string, Dhcp6Option[]> = { none: [], ours: [serverId], other: [OTHER] };

/** Type → with a client's identifier, by server identifier; then without one. `t` = taken, else why not. */
const TABLE: Record<number, Record<string, [string, string]>> = {
  1: { none: ["t", "no-client-id"], ours: ["server-id", "no-client-id"], other: ["server-id", "no-client-id"] },
  2: { none: ["type", "type"], ours: ["type", "type"], other: ["type", "type"] },
  3: { none: ["server-id", "no-client-id"], ours: ["t", "no-client-id"], other: ["other-server", "no-client-id"] },
  4: { none: ["t", "no-client-id"], ours: ["server-id", "no-client-id"], other: ["server-id", "no-client-id"] },
  5: { none: ["server-id", "no-client-id"], ours: ["t", "no-client-id"], other: ["other-server", "no-client-id"] },
  6: { none: ["t", "no-client-id"], ours: ["server-id", "no-client-id"], other: ["server-id", "no-client-id"] },
  7: { none: ["type", "type"], ours: ["type", "type"], other: ["type", "type"] },
  8: { none: ["server-id", "no-client-id"], ours: ["t", "no-client-id"], other: ["other-server", "no-client-id"] },
  9: { none: ["server-id", "no-client-id"], ours: ["t", "no-client-id"], other: ["other-server", "no-client-id"] },
  10: { none: ["type", "type"], ours: ["type", "type"], other: ["type", "type"] },
  11: { none: ["t", "t"], ours: ["t", "t"], other: ["other-server", "other-server"] },
};
/** §16, §18.4: to an address of ours and not by a relay. */
const UNICAST: Record<number, string> = {
  1: "unicast",
  3: "refuse",
  4: "unicast",
  5: "refuse",
  6: "unicast",
  8: "refuse",
  9: "refuse",
  11: "unicast",
};

function verdict(type: number, options: Dhcp6Option[], isUnicast: boolean): string {
  const result = checkMessage({ kind: "message", type, transaction: 1, options }, SERVER_DUID, isUnicast);
  return result instanceof Reject ? result.why.replace(/-dhcp6$/, "") : result === "take" ? "t" : result;
}

test("§16 each message × identifiers present or absent, ours or another's × multicast or not", () => {
  for (let type = 0; type <= 14; type++)
    for (const [server, option] of Object.entries(SERVERS))
      for (const hasClient of [true, false]) {
        const want = TABLE[type]?.[server][hasClient ? 0 : 1] ?? "type";
        const options = [...(hasClient ? [clientId(1)] : []), ...option];
        const what = `${dhcp6TypeName(type)} ${server} ${hasClient}`;
        assert.is(verdict(type, options, false), want, what);
        assert.is(verdict(type, options, true), want === "t" ? UNICAST[type] : want, `${what} unicast`);
      }
});

test("§16.12 an Information-request with an IA of any kind is discarded; other messages may have up to 32", () => {
  const kinds: Dhcp6Option[] = [iaNa(1), { kind: "ia-ta", iaid: 1, options: [] }, { kind: "ia-pd", iaid: 1, t1: 0, t2: 0, options: [] }];
  for (const ia of kinds) assert.is(verdict(11, [clientId(1), ia], false), "association", ia.kind);
  const many = (count: number) => Array.from({ length: count }, (_, i) => iaNa(i));
  assert.is(verdict(1, [clientId(1), ...many(ASSOCIATION_LIMIT)], false), "t");
  assert.is(verdict(1, [clientId(1), ...many(ASSOCIATION_LIMIT + 1)], false), "association");
  assert.is(verdict(1, [clientId(1), iaNa(4), iaNa(4)], false), "association", "§12 IAIDs of a kind are different");
  assert.is(verdict(1, [clientId(1), iaNa(1), { kind: "ia-ta", iaid: 1, options: [] }], false), "t");
});

test("§16 unknown options keep no message from being taken", () => {
  assert.is(verdict(1, [{ kind: "raw", code: 65_000, octets: octets("00") }, clientId(1)], false), "t");
});

test.run();
