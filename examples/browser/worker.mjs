/**
 * The core in a worker of a page: a capture runs through it as if it had just arrived. Contexts come from the handshakes in the capture: I2 names
 * the ULIDs and one tag, R2 the other (RFC 5533 §5.6, §5.7). Unshared memory, so the page needs no special headers.
 */
import { createCore } from "../../dist/core.mjs";
import { findOption, parseControl, Refusal, Reject, showMessage } from "../../dist/wire.mjs";
import { ipv6Packets } from "./capture.mjs";

const BATCH = 64;
/** Lines of messages that are handed to the page. */
const MESSAGES = 500;
/** Packets that the measurement runs at least. */
const MEASURED = 200_000;

const nothing = () => undefined;

self.onmessage = async ({ data: { file, prefixes } }) => {
  try {
    self.postMessage({ result: await replay(ipv6Packets(new Uint8Array(file)), prefixes) });
  } catch (error) {
    self.postMessage({ failed: error instanceof Error ? error.message : String(error) });
  }
};

async function replay(packets, prefixes) {
  const core = await createCore({ prefixes, contexts: 65_536, batch: BATCH, packetOctets: 65_575 });
  const messages = [];
  const asked = new Map();
  let contexts = 0;
  let forwarded = 0;
  /** @param packet a control message, or what the core took for one */
  const learn = (packet) => {
    const parsed = parseControl(packet);
    if (parsed instanceof Reject || parsed instanceof Refusal) return;
    const { source, destination, message } = parsed;
    if (messages.length < MESSAGES) messages.push(`${source} > ${destination}: ${showMessage(message)}`);
    if (message.kind === "I2") asked.set(message.initiatorNonce, { source, destination, message });
    const before = message.kind === "R2" ? asked.get(message.initiatorNonce) : undefined;
    if (before !== undefined && addContext(before, message)) contexts++;
  };
  /** From both ends' points of view: the core takes the one whose locator is the site's. */
  const addContext = ({ source, destination, message: i2 }, r2) => {
    const pair = findOption(i2.options, "ulid-pair") ?? { sender: source, receiver: destination };
    const initiator = { ulid: pair.sender, locator: source, tag: i2.initiatorTag };
    const responder = { ulid: pair.receiver, locator: destination, tag: r2.responderTag };
    const [local, peer] = within(prefixes.ulid, initiator.ulid) ? [initiator, responder] : [responder, initiator];
    if (core.findContext({ localUlid: local.ulid, peerUlid: peer.ulid }) !== undefined) return false;
    const locators = { localLocator: local.locator, peerLocator: peer.locator };
    core.addContext({ localUlid: local.ulid, peerUlid: peer.ulid, localTag: local.tag, peerTag: peer.tag, ...locators }, 0);
    return true;
  };
  // One after the other: a context is there for the packet behind its handshake. What leaves the site is not for the core, but may teach us.
  for (const packet of packets) {
    learn(packet);
    forwarded += core.run([packet], 0, nothing);
    core.takePunts(BATCH, nothing);
  }
  const counters = Object.fromEntries(Object.entries(core.counters()).filter(([, count]) => count > 0));
  return { packets: packets.length, forwarded, contexts, counters, messages, nanoseconds: measure(core, packets) };
}

/** Nanoseconds a packet, copies into the core's memory included; browsers' clocks are coarse, so it runs for a while. */
function measure(core, packets) {
  if (packets.length === 0) return undefined;
  const begun = performance.now();
  let count = 0;
  for (; count < MEASURED; count += packets.length) {
    core.run(packets, 0, nothing);
    core.takePunts(packets.length, nothing);
  }
  return Math.round(((performance.now() - begun) * 1e6) / count);
}

/** Whether the text of an address begins as that of a prefix does, for prefixes of whole groups. */
function within(prefix, address) {
  const [base, length] = prefix.split("/");
  return (
    groups(address)
      .slice(0, length / 16)
      .join() ===
    groups(base)
      .slice(0, length / 16)
      .join()
  );
}

function groups(text) {
  const [head, tail] = text.split("::").map((part) => (part === "" ? [] : part.split(":")));
  return tail === undefined ? head : [...head, ...new Array(8 - head.length - tail.length).fill("0"), ...tail];
}
