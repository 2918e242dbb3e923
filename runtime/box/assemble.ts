/** Puts a box together out of what it works with: the one place where the parts of `Box` are made for each other. */
import { createVerifier, proofsOf, signLocatorList } from "../cga/index.ts";
import type { Site } from "../config/site.ts";
import type { Core } from "../fast/contract.ts";
import { type BindingChange, createBindings } from "../locator/bindings.ts";
import { withForks } from "../policy/forks.ts";
import type { Clock } from "../port/clock.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Log } from "../port/log.ts";
import { createReap } from "../reap/machine.ts";
import { capabilitiesFor, SEND_TIMEOUT, timingFor } from "../reap/profile.ts";
import { createShim6 } from "../shim6/machine.ts";
import type { Ulid } from "../value/address.ts";
import { showPrefix } from "../value/prefix.ts";
import { CONTEXT_TAG_BITS } from "../value/tag.ts";
import type { LocatorList } from "../wire/message.ts";
import { isAdmitted } from "./admission.ts";
import { Box } from "./box.ts";
import { Identities, type LocatorSource } from "./identity.ts";
import type { BoxParts, BoxSettings } from "./parts.ts";
import { Proofs, type Prove } from "./proofs.ts";

/** What a box must know of its site. */
export interface BoxSite
  extends Pick<Site, "contexts" | "hold" | "bindings">,
    Partial<Pick<Site, "tun" | "icmp" | "mtu" | "dns" | "admission" | "policy" | "failback">> {
  /** Without `quality` paths are not measured. */
  readonly reap: Pick<Site["reap"], "profile"> & Partial<Pick<Site["reap"], "quality">>;
  readonly providers: readonly (LocatorSource & { readonly name?: string })[];
  readonly ulid?: (Pick<Site["ulid"], "routable"> & Partial<Pick<Site["ulid"], "prefix">>) | undefined;
}

/** What a box is made of. */
export interface AssemblyParts extends Pick<BoxParts, "send" | "release" | "failed" | "heard" | "locate" | "excepted"> {
  readonly core: Core;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly crypto: CryptoPort;
  readonly log: Log;
  /** Where the Locator List Generation starts: the calendar's seconds, so that it grows over restarts. */
  readonly generation: number;
  /** The site's RSA key, PKCS#8 DER. */
  readonly privateKey: Uint8Array;
  /** Asks the DNS for proof of a peer's locators; absent = nobody can. */
  readonly prove?: Prove | undefined;
  /** Hears of each change of what was learnt of peers. */
  readonly bindingChanged?: ((change: BindingChange) => void) | undefined;
  /** CGA parameters of a ULID of the site. */
  readonly pdsOf: (ulid: Ulid) => Uint8Array | undefined;
}

/** A box that knows its site and has no context yet. */
export function assembleBox(site: BoxSite, parts: AssemblyParts): Box {
  const { core, clock, entropy, crypto, log, generation, privateKey, pdsOf, send, release, failed, heard, locate } = parts;
  const publicKey = crypto.rsaPublic(privateKey);
  const sign = (list: LocatorList) => signLocatorList(crypto, list, privateKey);
  const identities = new Identities(site.providers, generation, pdsOf, sign, (ulid, pds) => proofsOf(crypto, ulid, pds, publicKey));
  const bindings = createBindings({
    capacity: BINDINGS_PER_CONTEXT * site.contexts.max + site.bindings.length,
    changed: parts.bindingChanged,
  });
  bindings.setStatic(site.bindings);
  // The machines ask for these only while they work, when the box is there.
  const settings = (): BoxSettings => box.settings;
  const reap = createReap({ quality: () => settings().quality, lastUse: (id) => box.lastUse(id) });
  const shim6 = createShim6(
    {
      capacity: site.contexts.max,
      capabilities: (roundTrip) => capabilitiesFor(settings().profile, roundTrip),
      sendTimeoutSeconds: SEND_TIMEOUT / 1000,
      tagBits: CONTEXT_TAG_BITS,
      secret: entropy.bytes(32),
    },
    {
      local: (ulid, pair) => (pair === undefined ? identities.of(ulid) : box.told(pair)),
      shorten: (identity, count, keep) => identities.shorten(identity, count, keep),
      currentPair: (id) => reap.currentOf(id),
      lastUse: (id) => box.lastUse(id),
      hmac: (key, octets) => crypto.hmacSha256(key, octets),
      admits: (pair, source) => parts.excepted?.(pair.peer, undefined) !== "peer" && isAdmitted(settings().admission ?? [], pair, source),
      proof: (ulid, listed) => proofs.of(ulid, listed),
      ...createVerifier(crypto),
    },
  );
  const proofs = new Proofs({
    now: () => clock.now(),
    mode: () => settings().proof ?? "cga",
    prove: parts.prove ?? (() => false),
    resume: (packet) => box.resume(packet),
  });
  const box = new Box(settingsFor(site), {
    core,
    shim6,
    reap,
    identities,
    bindings,
    clock,
    entropy,
    log,
    send,
    release,
    failed,
    heard,
    locate,
    excepted: parts.excepted,
    proofs,
  });
  box.moves.refresh();
  return box;
}

/** Locators are learnt for so many ULIDs per context that fits: peers come and go, their locators stay known. */
const BINDINGS_PER_CONTEXT = 2;

/** What a box is told of its site besides its identities and bindings. */
function settingsFor({ contexts, hold, reap, tun, icmp, mtu, dns, admission, policy, failback, providers, ulid }: BoxSite): BoxSettings {
  return {
    idleTimeout: contexts.idle,
    hold,
    mtu: tun?.mtu,
    probePaths: mtu?.probe,
    icmp: icmp?.pass,
    routable: ulid?.routable,
    proof: dns?.proof,
    admission,
    failback,
    policy: policy && {
      rules: withForks(policy, ulid?.prefix === undefined ? "" : showPrefix(ulid.prefix)),
      providers: providers.map(({ name = "", prefix }) => ({ name, prefix })),
    },
    profile: reap.profile,
    quality: reap.quality?.watch === true && reap.profile === "fast" ? reap.quality : undefined,
    timing: ({ localCapabilities, peerCapabilities, peerKeepaliveSeconds, roundTrip }) =>
      // The profile that this peer knows of: another one chosen meanwhile is for contexts to come.
      timingFor(localCapabilities === undefined ? "rfc5534" : "fast", localCapabilities, peerCapabilities, peerKeepaliveSeconds, roundTrip),
  };
}

/** The site has changed while the box runs. @returns ULIDs whose static bindings found no room */
export function reconfigureBox(box: Box, site: BoxSite): readonly Ulid[] {
  const { identities, bindings, shim6 } = box.parts;
  box.configure(settingsFor(site));
  const refused = bindings.setStatic(site.bindings);
  if (identities.setSources(site.providers, shim6.untold > 0)) box.identityChanged();
  box.moves.refresh();
  return refused;
}
