// Steps 8, 9 and 14 to 18 of the receive table, on the golden packets: verdicts and Pointers as tests/vector/vectors.json says, with real CGA,
// HBA and RSA. The form of the packets is tests/unit/wire's matter.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { createVerifier } from "../../../runtime/cga/index.ts";
import { judgeReceived, type ReceiverContext, type Verdict } from "../../../runtime/shim6/receive.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { unhex } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { type LocatorList, METHOD_CGA, METHOD_HBA, type UpdateRequest } from "../../../runtime/wire/message.ts";
import { type ParsedControl, parseControl } from "../../../runtime/wire/parse.ts";
import { Refusal } from "../../../runtime/wire/refusal.ts";
import vectors from "../../vector/vectors.json" with { type: "json" };

interface Vector {
  readonly name: string;
  readonly kind: string;
  readonly hex: string;
  readonly fields: { readonly context?: VectorContext };
  readonly verdict?: { readonly action?: string; readonly error_code?: number; readonly pointer?: number; readonly packet_ct?: string };
}
interface VectorContext {
  readonly ulid_peer?: string;
  readonly ls_peer: readonly string[];
  readonly ls_local: readonly string[];
  readonly peer_generation?: string;
  readonly peer_pds?: string;
}

const world = createVerifier(createCrypto());

function contextOf(context: VectorContext | undefined): ReceiverContext | undefined {
  if (context === undefined) return undefined;
  const { ulid_peer, ls_peer, ls_local, peer_generation, peer_pds } = context;
  return {
    peerUlid: ulid_peer === undefined ? undefined : address(ulid_peer),
    localLocators: ls_local.map(address),
    peerLocators: ls_peer.map(address),
    peerGeneration: peer_generation === undefined ? undefined : Number(peer_generation),
    peerPds: peer_pds === undefined ? undefined : unhex(peer_pds),
  };
}

let judged = 0;
for (const { name, kind, hex, fields, verdict } of vectors as unknown as readonly Vector[]) {
  const packet = unhex(hex) ?? new Uint8Array();
  const parsed = kind === "packet" || kind === "malformed" ? parseControl(packet) : undefined;
  if (parsed === undefined || parsed instanceof Reject || parsed instanceof Refusal) continue;
  if (kind === "packet" && fields.context === undefined) continue;
  judged++;
  test(name, () => {
    const context = contextOf(fields.context);
    const expected = expectation(verdict);
    for (const offset of [undefined, parsed.offset]) {
      const { source, destination, message } = parsed;
      const received = { source, destination, message, packet, ...(offset === undefined ? {} : { offset }) };
      const { action, ...rest } = judgeReceived(received, context, world);
      assert.equal(action === "drop" ? { action } : { action, ...rest }, expected);
    }
  });
}

function expectation(verdict: Vector["verdict"]): Omit<Verdict, "why"> {
  switch (verdict?.action) {
    case "error":
      return { action: "error", code: verdict.error_code ?? -1, pointer: verdict.pointer ?? -1 } as Verdict;
    case "r1bis":
      return { action: "r1bis", packetTag: Number(verdict.packet_ct) } as Verdict;
    case "drop":
      return { action: "drop" };
    default:
      return { action: "accept" };
  }
}

test("the golden packets reach every verdict", () => assert.ok(judged >= 20, `${judged}`));

const [S, D, U] = ["2001:db8:b1::1", "2001:db8:a1::1", "fc00:b::1"].map(address);

/** A world whose answers are given, and which counts the RSA operations. */
function stub(cga: boolean, hba: boolean, rsa: boolean): Parameters<typeof judgeReceived>[2] & { rsaCalls: number } {
  const counted = { rsaCalls: 0, verifyCga: () => cga, verifyHba: () => hba, verifyList: () => rsa };
  counted.verifyList = () => {
    counted.rsaCalls++;
    return rsa;
  };
  return counted;
}

function request(options: UpdateRequest["options"]): Pick<ParsedControl, "source" | "destination" | "message"> & { packet: Uint8Array } {
  return {
    source: S,
    destination: D,
    message: { kind: "UpdateRequest", receiverTag: 1 as never, requestNonce: 1, options },
    packet: new Uint8Array(48),
  };
}

const CONTEXT: ReceiverContext = { peerUlid: U, localLocators: [D], peerLocators: [S], peerGeneration: 7, peerPds: new Uint8Array(1) };
const list = (...methods: number[]): { kind: "locator-list"; generation: number; locators: { address: Address; method: number }[] } => ({
  kind: "locator-list",
  generation: 8,
  locators: methods.map((method) => ({ address: S, method })),
});
const SIGNATURE = { kind: "cga-signature", signature: new Uint8Array(1) } as const;

test("step 15 before 16: an impossible method costs no RSA operation", () => {
  const checked = stub(true, true, true);
  assert.is(judgeReceived(request([list(METHOD_CGA, 77), SIGNATURE]), CONTEXT, checked).action, "error");
  assert.is(checked.rsaCalls, 0);
});

test("step 16: HBA members are checked before the signature, and each of them", () => {
  const checked = stub(true, false, true);
  assert.is(judgeReceived(request([list(METHOD_CGA, METHOD_HBA), SIGNATURE]), CONTEXT, checked).action, "error");
  assert.is(checked.rsaCalls, 0);
  assert.is(judgeReceived(request([list(METHOD_HBA)]), CONTEXT, stub(true, true, true)).action, "accept");
});

test("step 15: a list without any PDS cannot be verified", () => {
  const { action } = judgeReceived(request([list(METHOD_CGA), SIGNATURE]), { ...CONTEXT, peerPds: undefined }, stub(true, true, true));
  assert.is(action, "error");
});

test("RFC 5533 §17 against §5.15.2: the reading that verifies counts, for all locators alike", () => {
  /** HBA holds for the second locator of the list, the signature for a list whose only CGA locator is the first. */
  const peers = ["2001:db8:b1::1", "2001:db8:b2::1"].map(address);
  const world = {
    verifyCga: () => true,
    verifyHba: (locator: Address) => locator === peers[1],
    verifyList: (signed: LocatorList) => signed.locators[0].method === METHOD_CGA && signed.locators[1].method === METHOD_HBA,
  };
  const mixed = (a: number, b: number) => ({
    kind: "locator-list" as const,
    generation: 8,
    locators: [
      { address: peers[0], method: a },
      { address: peers[1], method: b },
    ],
  });
  assert.equal(judgeReceived(request([mixed(METHOD_CGA, METHOD_HBA), SIGNATURE]), CONTEXT, world), { action: "accept" });
  const { action, ...rest } = judgeReceived(request([mixed(METHOD_HBA, METHOD_CGA), SIGNATURE]), CONTEXT, world);
  assert.is(action, "accept");
  const { kind, ...normal } = mixed(METHOD_CGA, METHOD_HBA);
  assert.equal([kind, rest], ["locator-list", { list: normal }]);
  for (const [a, b] of [
    [METHOD_CGA, METHOD_CGA],
    [METHOD_HBA, METHOD_HBA],
    [METHOD_HBA, 77],
  ]) {
    assert.is(judgeReceived(request([mixed(a, b), SIGNATURE]), CONTEXT, world).action, "error");
  }
});

test("steps 17, 18: preferences are held against the list of the same message", () => {
  const preferences = { kind: "locator-preferences", generation: 8, elementLength: 1, elements: [{ flags: 0 }, { flags: 1 }] } as const;
  assert.is(
    judgeReceived(request([list(METHOD_CGA, METHOD_CGA), SIGNATURE, preferences]), CONTEXT, stub(true, true, true)).action,
    "accept",
  );
  assert.equal(judgeReceived(request([preferences]), CONTEXT, stub(true, true, true)), { action: "error", code: 3, pointer: 44 });
});

test.run();
