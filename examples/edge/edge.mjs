/**
 * The smallest Shim6 edge: packets of hosts in, packets with locators out, and back. The core of pshim6 forwards; contexts are set up here, by
 * the four messages of RFC 5533 §7, written and read with pshim6/wire. No socket and no clock: main.mjs has both.
 *
 * It is an example. A box also proves its locators (CGA, HBA) and asks for proof, recovers contexts that one side lost, explores other paths when
 * one dies, and keeps strangers from filling its tables: docs/conformance.
 */
import { createCore } from "pshim6/core";
import { addressAt, contextTag, emitPacket, errorFor, findOption, parseControl, Refusal, Reject } from "pshim6/wire";

/** RFC 5533 §7.8 and §7.14, RFC 5534 §7; milliseconds. */
const I1_TIMEOUT = 4000;
const I1_RETRIES = 4;
const TIMING = { sendTimeout: 15_000, keepaliveTimeout: 15_000, keepaliveInterval: 5000, idleTimeout: 600_000 };
/** Bounds of our own: attempts at a time, and packets that wait in each. */
const ATTEMPTS = 256;
const HELD = 8;
const PUNTS = 64;

/**
 * @typedef {object} Settings
 * @property {import("pshim6/core").SitePrefixes} prefixes
 * @property {Record<string, string>} own host's ULID → its locator here
 * @property {Record<string, string>} peers ULID elsewhere → locator
 * @param {Settings} settings addresses in the text of RFC 5952
 * @param {{ toHosts(packet: Uint8Array): void, toNetwork(packet: Uint8Array): void }} out packets are views: copy what must stay
 */
export async function createEdge({ prefixes, own, peers }, out) {
  const core = await createCore({ prefixes, contexts: 4096 });
  const secret = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  /** Our attempts, by the nonce in their I1. */
  const attempts = new Map();

  const forward = (packet, direction) => (direction === "in" ? out.toHosts(packet) : out.toNetwork(packet));

  function begin(packet, now) {
    const [local, peer] = [addressAt(packet, 8), addressAt(packet, 24)];
    if (own[local] === undefined || peers[peer] === undefined) return;
    const known = [...attempts.values()].find((attempt) => attempt.local === local && attempt.peer === peer);
    if (known !== undefined) {
      if (known.held.length < HELD) known.held.push(packet.slice());
      return;
    }
    if (attempts.size >= ATTEMPTS) return;
    const attempt = { local, peer, tag: freshTag(), nonce: random32(), held: [packet.slice()], left: I1_RETRIES, again: now };
    attempts.set(attempt.nonce, attempt);
    repeat(attempt, now);
  }

  function repeat(attempt, now) {
    const { local, peer, tag, nonce } = attempt;
    attempt.again = now + I1_TIMEOUT;
    say(own[local], peers[peer], { kind: "I1", initiatorTag: tag, initiatorNonce: nonce, options: [pair(local, peer)] });
  }

  const pair = (sender, receiver) => ({ kind: "ulid-pair", sender, receiver });
  const say = (from, to, message) => out.toNetwork(emitPacket(from, to, message));

  /** A tag that no context has; whoever does not see our packets cannot guess it. */
  function freshTag() {
    for (;;) {
      const [high, low] = crypto.getRandomValues(new Uint32Array(2));
      const tag = contextTag((high & 0x7fff) * 2 ** 32 + low);
      if (core.findContext({ localTag: tag }) === undefined) return tag;
    }
  }

  /** What the validator vouches for: nothing is kept of an I1 (RFC 5533 §7.10). */
  const vouched = ({ initiatorTag, initiatorNonce }, responderNonce, from, to, { sender, receiver }) =>
    new TextEncoder().encode([initiatorTag, initiatorNonce, responderNonce, from, to, sender, receiver].join());

  /** @returns whether the message was one that we take */
  const answers = {
    async I1(message, from, to) {
      const ulids = findOption(message.options, "ulid-pair");
      if (ulids === undefined || own[ulids.receiver] !== to) return;
      const responderNonce = random32();
      const octets = vouched(message, responderNonce, from, to, ulids);
      const validator = new Uint8Array(await crypto.subtle.sign("HMAC", secret, octets));
      const options = [{ kind: "responder-validator", validator }];
      say(to, from, { kind: "R1", initiatorNonce: message.initiatorNonce, responderNonce, options });
    },
    async R1({ initiatorNonce, responderNonce, options }) {
      const attempt = attempts.get(initiatorNonce);
      const validator = findOption(options, "responder-validator");
      if (attempt === undefined || validator === undefined) return;
      const { local, peer, tag } = attempt;
      const message = { kind: "I2", initiatorTag: tag, initiatorNonce, responderNonce, options: [validator, pair(local, peer)] };
      say(own[local], peers[peer], message);
    },
    async I2(message, from, to, now) {
      const ulids = findOption(message.options, "ulid-pair");
      const validator = findOption(message.options, "responder-validator");
      if (ulids === undefined || validator === undefined || own[ulids.receiver] !== to) return;
      // Without proof of its locators a peer is believed only what we know already.
      if (peers[ulids.sender] !== from) return;
      const octets = vouched(message, message.responderNonce, from, to, ulids);
      if (!(await crypto.subtle.verify("HMAC", secret, validator.validator, octets))) return;
      const tag = establish(ulids.receiver, ulids.sender, undefined, message.initiatorTag, now);
      say(to, from, { kind: "R2", responderTag: tag, initiatorNonce: message.initiatorNonce, options: [] });
    },
    async R2({ initiatorNonce, responderTag }, _from, _to, now) {
      const attempt = attempts.get(initiatorNonce);
      if (attempt === undefined) return;
      attempts.delete(initiatorNonce);
      establish(attempt.local, attempt.peer, attempt.tag, responderTag, now);
      core.run(attempt.held, now, forward);
    },
    async Keepalive({ receiverTag }, _from, _to, now) {
      const id = core.findContext({ localTag: receiverTag });
      if (id !== undefined) core.touch(id, "received", now);
    },
  };
  const tags = new Map();

  /** Adds the context, or takes over the peer's tag for the one that there is. @returns our tag */
  function establish(localUlid, peerUlid, wanted, peerTag, now) {
    const id = core.findContext({ localUlid, peerUlid });
    if (id !== undefined) {
      core.updateContext(id, { peerTag }, now);
      return tags.get(id).tag;
    }
    const tag = wanted ?? freshTag();
    const [localLocator, peerLocator] = [own[localUlid], peers[peerUlid]];
    const added = core.addContext({ localUlid, peerUlid, localTag: tag, peerTag, localLocator, peerLocator, timing: TIMING }, now);
    tags.set(added, { tag, peerTag, localLocator, peerLocator });
    return tag;
  }

  async function hear(packet, now) {
    const parsed = parseControl(packet);
    if (parsed instanceof Reject) return;
    if (parsed instanceof Refusal) {
      say(addressAt(packet, 24), addressAt(packet, 8), errorFor(packet, parsed.code, parsed.pointer));
      return;
    }
    await answers[parsed.message.kind]?.(parsed.message, parsed.source, parsed.destination, now);
  }

  return {
    core,
    /** Whole IPv6 packets from either side. Resolves when all messages among them are answered. */
    async packets(list, now) {
      core.run(list, now, forward);
      const heard = [];
      core.takePunts(PUNTS, (packet, reason) => {
        if (reason === "punt-no-context") begin(packet, now);
        else if (reason === "punt-control-shim6") heard.push(packet.slice());
      });
      for (const packet of heard) await hear(packet, now);
    },
    /** Timers. @returns when to call again */
    tick(now) {
      for (const attempt of attempts.values()) {
        if (attempt.again > now) continue;
        if (attempt.left-- > 0) repeat(attempt, now);
        else attempts.delete(attempt.nonce);
      }
      const next = core.advance(now, (id, kind) => {
        const { peerTag, localLocator, peerLocator } = tags.get(id);
        if (kind === "keepalive" || kind === "keepalive-last") {
          say(localLocator, peerLocator, { kind: "Keepalive", receiverTag: contextTag(peerTag), options: [] });
        } else if (kind === "send-timeout" || kind === "idle") {
          // A box would explore other paths first (RFC 5534 §4.3); here the next packet begins anew.
          core.removeContext(id);
          tags.delete(id);
        }
      });
      return Math.min(next, ...[...attempts.values()].map(({ again }) => again));
    },
  };
}

function random32() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
