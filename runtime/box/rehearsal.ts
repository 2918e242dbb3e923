/**
 * The first handshake of a process is ten times slower than the later ones: the runtime has compiled nothing yet and the
 * RSA library has not started. A first packet waits for it. So the box rehearses, in slices between its other work: two
 * throw-away machines establish contexts with each other, message for message through the real wire format.
 */
import { createVerifier, finish, generateCga, signLocatorList } from "../cga/index.ts";
import type { Clock } from "../port/clock.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import { capabilitiesFor, SEND_TIMEOUT } from "../reap/profile.ts";
import { type LocalIdentity, type Shim6, type Shim6Effect, STEP_RANDOM_OCTETS } from "../shim6/contract.ts";
import { createShim6 } from "../shim6/machine.ts";
import { type Address, address, type Ulid } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import { CONTEXT_TAG_BITS } from "../value/tag.ts";
import { emitPacket, type LocatorList, METHOD_CGA, parseControlHeader, parseControlOptions, Refusal } from "../wire/index.ts";

const HANDSHAKES = 24;
/** Messages of one handshake at most: four, and room for those that cross. */
const MESSAGES = 16;
/** Addresses that nobody has (RFC 3849). */
const LOCATORS: readonly Address[] = [address("2001:db8::a"), address("2001:db8::b")];

/** What a rehearsal needs. */
export interface RehearsalParts {
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
  readonly crypto: CryptoPort;
  /** The site's key, PKCS#8 DER: the real length of signatures is what takes time. */
  readonly privateKey: Uint8Array;
  /** A /64, any one. */
  readonly subnet: Prefix;
}

/** One actor: a machine that knows one ULID. */
interface Actor {
  readonly ulid: Ulid;
  readonly locator: Address;
  readonly shim6: Shim6;
}

/** Each step of the generator is a few milliseconds of work at most; nothing of it touches the box. */
export function* rehearse(parts: RehearsalParts): Generator<void> {
  const { clock, entropy } = parts;
  const first = makeActor(parts, LOCATORS[0]);
  yield;
  const second = makeActor(parts, LOCATORS[1]);
  const pair = { local: first.ulid, peer: second.ulid, fork: 0 };
  for (let i = 0; i < HANDSHAKES; i++) {
    yield;
    const candidates = [{ local: first.locator, peer: second.locator }];
    let effects = first.shim6.step({ kind: "need", pair, candidates }, clock.now(), entropy.bytes(STEP_RANDOM_OCTETS));
    for (let n = 0; n < MESSAGES && effects.length > 0; n++) effects = effects.flatMap((effect) => deliver(effect, [first, second], parts));
    for (const { shim6 } of [first, second])
      for (const { id } of [...shim6.contexts()]) shim6.step({ kind: "discard", id }, clock.now(), entropy.bytes(STEP_RANDOM_OCTETS));
  }
}

function deliver(effect: Shim6Effect, actors: readonly Actor[], { clock, entropy }: RehearsalParts): Shim6Effect[] {
  if (effect.kind !== "send") return [];
  const packet = emitPacket(effect.source, effect.destination, effect.message);
  const header = parseControlHeader(packet);
  if (header instanceof Reject || header instanceof Refusal) return [];
  const parsed = parseControlOptions(header);
  if (parsed instanceof Reject || parsed instanceof Refusal) return [];
  const { source, destination, message } = parsed;
  const receiver = actors.find(({ locator }) => locator === destination);
  return (
    receiver?.shim6.step({ kind: "message", source, destination, message, packet }, clock.now(), entropy.bytes(STEP_RANDOM_OCTETS)) ?? []
  );
}

function makeActor({ entropy, crypto, privateKey, subnet }: RehearsalParts, locator: Address): Actor {
  const modifier = entropy.bytes(16);
  const { address: ulid, pds } = finish(generateCga(crypto, { modifier, prefix: subnet, publicKey: crypto.rsaPublic(privateKey), sec: 0 }));
  const list: LocatorList = { generation: 1, locators: [{ address: locator, method: METHOD_CGA }] };
  const identity: LocalIdentity = { ulid, list, preferences: [{ flags: 0 }], pds, signature: signLocatorList(crypto, list, privateKey) };
  const shim6 = createShim6(
    {
      capacity: 8,
      capabilities: (roundTrip) => capabilitiesFor("fast", roundTrip),
      sendTimeoutSeconds: SEND_TIMEOUT / 1000,
      tagBits: CONTEXT_TAG_BITS,
      secret: entropy.bytes(32),
    },
    {
      local: (asked) => (asked === ulid ? identity : undefined),
      hmac: (key, octets) => crypto.hmacSha256(key, octets),
      ...createVerifier(crypto),
    },
  );
  return { ulid, locator, shim6 };
}
