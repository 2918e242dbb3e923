// Every cell of the state × event table (RFC 5533 §7, §10, §12; shim6-state §5). A row's cells are what comes out and the state after, in the
// order of STATES: IDLE, I1-SENT, I2-SENT, ESTABLISHED, I2BIS-SENT, E-FAILED, NO-SUPPORT.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Message, Option } from "../../../runtime/wire/message.ts";
import { A1, B1, B2, B3, Bench, LOST_TAG, OTHER_TAG, PAIR, PEER_TAG, STATES } from "../../lib/shim6bench.ts";
import { fakeIdentity, fakePds } from "../../lib/shim6world.ts";

type Play = (bench: Bench) => void;
/** What is made before the state is entered: an I2 needs a validator that only IDLE (and the negative states) gives. */
type Prepare = (bench: Bench) => Message;

const SAME = ["→ IDLE", "→ I1-SENT", "→ I2-SENT", "→ ESTABLISHED", "→ I2BIS-SENT", "→ E-FAILED", "→ NO-SUPPORT"];

function row(name: string, cells: readonly string[], play: Play, prepare?: Prepare, source = B1): void {
  STATES.forEach((state, i) => {
    test(`${name}, ${state}`, () => {
      const bench = new Bench();
      if (prepare === undefined) {
        bench.enter(state);
        play(bench);
      } else {
        const negative = state === "E-FAILED" || state === "NO-SUPPORT";
        if (negative) bench.enter(state);
        const honest = bench.peerIdentity;
        const message = prepare(bench);
        bench.peerIdentity = honest;
        if (!negative) bench.enter(state);
        bench.hear(message, source);
      }
      assert.is(bench.summary(), `${cells[i]} ${SAME[i]}`.replace(/^ /, "").replace(/(→ [\w-]+) → [\w-]+$/, "$1"));
    });
  });
}

/** The tag by which the peer names the context, or one that no context has. */
function ourTag(bench: Bench): typeof LOST_TAG {
  return bench.shim.find(PAIR)?.localTag ?? LOST_TAG;
}

const UPDATE: Option[] = [{ kind: "keepalive-timeout", seconds: 60 }];

row("§7.7 need for a context", ["I1 → I1-SENT", "", "", "", "", "failed:no-answer", "failed:no-support"], (b) => b.need());

row("§7.9 I1, tag as known", ["R1", "R2", "R2", "R2", "R2", "R1", "R1"], (b) => b.hear(b.i1()));
row("§7.9 I1, another tag", ["R1", "R2", "R2", "R1", "R2", "R1", "R1"], (b) => b.hear(b.i1(OTHER_TAG)));
row("§7.9 I1, from a locator not in Ls(peer)", ["R1", "R2", "R2", "R1", "R2", "R1", "R1"], (b) => b.hear(b.i1(), B3));

row(
  "§7.11 R1",
  ["drop:no-context-r1", "I2 → I2-SENT", "drop:late-r1", "drop:no-context-r1", "drop:late-r1", "drop:no-context-r1", "drop:no-context-r1"],
  (b) => b.hear(b.r1(b.nonce)),
);
row("§7.11 R1, wrong nonce", new Array(7).fill("drop:no-context-r1"), (b) => b.hear(b.r1((b.nonce ^ 1) >>> 0)));

const CREATED = "established:I2 R2 → ESTABLISHED";
const RENEWED = "removed:expired established:I2 R2 → ESTABLISHED";
row(
  "§7.13 I2 valid",
  [CREATED, CREATED, "R2", "R2", "R2", RENEWED, RENEWED],
  () => undefined,
  (b) => b.i2(),
);
row(
  "§7.13 I2 valid, new tag",
  [CREATED, CREATED, "R2", "established:I2 R2", "established:I2 R2", RENEWED, RENEWED],
  () => undefined,
  (b) => b.i2(OTHER_TAG),
);
row(
  "§7.13 I2 without validator",
  new Array(7).fill("drop:validator-i2"),
  () => undefined,
  (b) => {
    const message = b.i2();
    return { ...message, options: message.options.filter(({ kind }) => kind !== "responder-validator") };
  },
);
row(
  "§7.13 I2, another tag than the validator's",
  new Array(7).fill("drop:validator-i2"),
  () => undefined,
  (b) => ({
    ...b.i2(),
    initiatorTag: OTHER_TAG,
  }),
);
row(
  "§7.13 I2, PDS of another ULID",
  new Array(7).fill("drop:wrong-pds-i2"),
  () => undefined,
  (b) => {
    b.peerIdentity = { ...b.peerIdentity, pds: fakePds("boxB", B1) };
    return b.i2();
  },
);
row(
  "§7.2 I2, list does not verify",
  new Array(7).fill("drop:refused-i2 Error"),
  () => undefined,
  (b) => {
    b.peerIdentity = { ...b.peerIdentity, signature: new Uint8Array(8) };
    return b.i2();
  },
);
row(
  "§7.13 I2, source neither listed nor known",
  new Array(7).fill("drop:unbound-i2"),
  () => undefined,
  (b) => b.i2(PEER_TAG, b.described(), B3),
  B3,
);
row(
  "§6.4 I2, source not in Ls(peer) but in its verified list",
  [CREATED, CREATED, "R2", "established:I2 R2", "established:I2 R2", RENEWED, RENEWED],
  () => undefined,
  (b) => {
    b.peerIdentity = fakeIdentity("boxB", PAIR.peer, [B1, B2, B3], 2);
    return b.i2(PEER_TAG, b.described(), B3);
  },
  B3,
);
row(
  "§6.4 I2 without list, ULID unroutable",
  ["drop:unbound-i2", "drop:unbound-i2", "drop:unbound-i2", "R2", "R2", "drop:unbound-i2", "drop:unbound-i2"],
  () => undefined,
  (b) => b.i2(PEER_TAG, b.peerCapabilities),
);

row(
  "§7.16 R2",
  [
    "drop:no-context-r2",
    "established:R2 → ESTABLISHED",
    "established:R2 → ESTABLISHED",
    "drop:no-context-r2",
    "established:R2 → ESTABLISHED",
    "drop:no-context-r2",
    "drop:no-context-r2",
  ],
  (b) => b.hear(b.r2(b.nonce)),
);
row("§7.16 R2, wrong nonce", new Array(7).fill("drop:no-context-r2"), (b) => b.hear(b.r2((b.nonce ^ 1) >>> 0)));
row(
  "§7.16 R2, other locators",
  [
    "drop:no-context-r2",
    "drop:locators-r2",
    "drop:locators-r2",
    "drop:no-context-r2",
    "drop:locators-r2",
    "drop:no-context-r2",
    "drop:no-context-r2",
  ],
  (b) => b.hear(b.r2(b.nonce), B3, A1),
);
row(
  "§7.16 R2, PDS of another ULID",
  [
    "drop:no-context-r2",
    "drop:wrong-pds-r2",
    "drop:wrong-pds-r2",
    "drop:no-context-r2",
    "drop:wrong-pds-r2",
    "drop:no-context-r2",
    "drop:no-context-r2",
  ],
  (b) => {
    b.peerIdentity = { ...b.peerIdentity, pds: fakePds("boxB", B1) };
    b.hear(b.r2(b.nonce));
  },
);
row(
  "§7.2 R2, list does not verify",
  [
    "drop:no-context-r2",
    "drop:refused-r2 Error",
    "drop:refused-r2 Error",
    "drop:no-context-r2",
    "drop:refused-r2 Error",
    "drop:no-context-r2",
    "drop:no-context-r2",
  ],
  (b) => {
    b.peerIdentity = { ...b.peerIdentity, signature: new Uint8Array(8) };
    b.hear(b.r2(b.nonce));
  },
);
row(
  "§6.5 R2 without list, ULID unroutable",
  [
    "drop:no-context-r2",
    "drop:unbound-r2",
    "drop:unbound-r2",
    "drop:no-context-r2",
    "established:R2 → ESTABLISHED",
    "drop:no-context-r2",
    "drop:no-context-r2",
  ],
  (b) => b.hear(b.r2(b.nonce, PEER_TAG, [])),
);

const NO_R1BIS = "drop:no-context-r1bis";
row("§7.18 R1bis", [NO_R1BIS, NO_R1BIS, NO_R1BIS, "recovering I2bis → I2BIS-SENT", "drop:late-r1bis", NO_R1BIS, NO_R1BIS], (b) =>
  b.hear(b.r1bis()),
);
row("§7.18 R1bis, another tag", new Array(7).fill(NO_R1BIS), (b) => b.hear(b.r1bis(OTHER_TAG)));
row("§7.18 R1bis, from a locator not in Ls(peer)", new Array(7).fill(NO_R1BIS), (b) => b.hear(b.r1bis(), B3));

const RECOVERED = "established:I2bis R2 → ESTABLISHED";
const REVIVED = "removed:expired established:I2bis R2 → ESTABLISHED";
row(
  "§7.20 I2bis valid",
  [RECOVERED, RECOVERED, "R2", "R2", "R2", REVIVED, REVIVED],
  () => undefined,
  (b) => b.i2bis(),
);
row(
  "§7.20 I2bis valid, new tag",
  [RECOVERED, RECOVERED, "R2", "established:I2bis R2", "established:I2bis R2", REVIVED, REVIVED],
  () => undefined,
  (b) => b.i2bis(OTHER_TAG),
);
row(
  "§7.20 I2bis, another Packet CT",
  new Array(7).fill("drop:validator-i2bis"),
  () => undefined,
  (b) => ({ ...b.i2bis(), packetTag: OTHER_TAG }),
);

row("§12.2 payload header", ["R1bis", "drop:early-payload", "I2", "", "I2bis", "R1bis", "R1bis"], (b) =>
  b.event({ kind: "stray-payload", source: B1, destination: A1, tag: ourTag(b) }),
);
row(
  "§10.4 Update Request",
  [
    "R1bis",
    "drop:early-updaterequest",
    "I2 drop:early-updaterequest",
    "established:update UpdateAck",
    "I2bis established:update UpdateAck",
    "R1bis",
    "R1bis",
  ],
  (b) => b.hear({ kind: "UpdateRequest", receiverTag: ourTag(b), requestNonce: 5, options: UPDATE }),
);
row(
  "§10.4 Update Request, from a locator not in Ls(peer)",
  ["R1bis", "drop:early-updaterequest", "R1bis", "R1bis", "R1bis", "R1bis", "R1bis"],
  (b) => b.hear({ kind: "UpdateRequest", receiverTag: ourTag(b), requestNonce: 5, options: UPDATE }, B3),
);
row(
  "§10.5 Update Ack",
  ["R1bis", "drop:early-updateack", "I2 drop:late-updateack", "drop:late-updateack", "I2bis drop:late-updateack", "R1bis", "R1bis"],
  (b) => b.hear({ kind: "UpdateAck", receiverTag: ourTag(b), requestNonce: 5, options: [] }),
);
row(
  "§10.5 Update Ack, from a locator not in Ls(peer)",
  ["R1bis", "drop:early-updateack", "R1bis", "R1bis", "R1bis", "R1bis", "R1bis"],
  (b) => b.hear({ kind: "UpdateAck", receiverTag: ourTag(b), requestNonce: 5, options: [] }, B3),
);
row("§12.4 Probe, to a locator not in Ls(local)", ["R1bis", "drop:early-probe", "R1bis", "R1bis", "R1bis", "R1bis", "R1bis"], (b) =>
  b.hear(
    {
      kind: "Probe",
      receiverTag: ourTag(b),
      state: "Exploring",
      sent: [{ source: B1, destination: A1, nonce: 1, data: 0 }],
      received: [],
      options: [],
    },
    B1,
    B3,
  ),
);
row(
  "§12.4 Keepalive",
  ["R1bis", "drop:early-keepalive", "I2 drop:early-keepalive", "reap:Keepalive", "I2bis drop:early-keepalive", "R1bis", "R1bis"],
  (b) => b.hear({ kind: "Keepalive", receiverTag: ourTag(b), options: [] }),
);
row("§12.4 Probe", ["R1bis", "drop:early-probe", "I2 drop:early-probe", "reap:Probe", "I2bis drop:early-probe", "R1bis", "R1bis"], (b) =>
  b.hear({
    kind: "Probe",
    receiverTag: ourTag(b),
    state: "Exploring",
    sent: [{ source: B1, destination: A1, nonce: 1, data: 0 }],
    received: [],
    options: [],
  }),
);

row("§7.8 timer, counter ≤ max", ["", "I1", "I2", "", "I2bis", "removed:expired → IDLE", "removed:expired → IDLE"], (b) => {
  if (b.shim.wakeAt === Number.POSITIVE_INFINITY) b.event({ kind: "poll" });
  else b.pollUntil(b.shim.wakeAt);
});
row(
  "§7.8 §7.12 §7.19 timer, counter > max",
  [
    "",
    "failed:no-answer → E-FAILED",
    "I1 → I1-SENT",
    "",
    "removed:failed I1 → I1-SENT",
    "removed:expired → IDLE",
    "removed:expired → IDLE",
  ],
  (b) => {
    const before = b.shim.find(PAIR)?.state;
    if (b.shim.wakeAt === Number.POSITIVE_INFINITY) b.event({ kind: "poll" });
    else while (b.shim.find(PAIR)?.state === before) b.pollUntil(b.shim.wakeAt);
  },
);
row(
  "§7.8 ICMPv6 type 4 code 1 quoting our I1, from all peer locators",
  [
    "drop:late-unsupported",
    "failed:no-support → NO-SUPPORT",
    "drop:late-unsupported",
    "drop:late-unsupported",
    "drop:late-unsupported",
    "drop:late-unsupported",
    "drop:late-unsupported",
  ],
  (b) => {
    if (b.shim.find(PAIR)?.state === "I1-SENT") b.event({ kind: "unsupported", localTag: ourTag(b), source: A1, destination: B1 });
    const { local, peer } = b.shim.find(PAIR)?.current ?? { local: A1, peer: B1 };
    b.event({ kind: "unsupported", localTag: ourTag(b), source: local, destination: peer });
  },
);
row("§9 discard", ["drop:late-discard", ...new Array(6).fill("removed:idle → IDLE")], (b) =>
  b.event({ kind: "discard", id: b.shim.find(PAIR)?.id ?? 0 }),
);

test.run();
