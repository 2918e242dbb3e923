/** {@link PathMtus} and {@link PathReports} for one box: what they want done, done. */
import type { Core } from "../fast/contract.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Reap } from "../reap/contract.ts";
import { DRAW_RANDOM_OCTETS, Draw } from "../reap/draw.ts";
import type { ContextView, Shim6 } from "../shim6/contract.ts";
import { u32 } from "../value/bytes.ts";
import type { LocatorPair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import { emitPaddedRequest, type UpdateAck } from "../wire/index.ts";
import { PathReports, type ReportParts } from "./icmp.ts";
import { CONFIRM_INTERVAL, type MtuEffect, PathMtus } from "./mtu.ts";

/** What the keeper works with. */
export interface KeeperParts
  extends Pick<ReportParts, "pass" | "isRoutable" | "count" | "transmit" | "release" | "tellReap" | "tellShim6"> {
  readonly core: Core;
  readonly shim6: Shim6;
  readonly reap: Reap;
  readonly entropy: Entropy;
  /** Octets of the largest packet that the lines carry; `undefined` = not known, and then nothing is probed. */
  readonly mtu: number | undefined;
  /** Whether paths to boxes of our kind are probed with large packets. */
  readonly probe: () => boolean;
}

/** No packet is larger. */
const LARGEST_PACKET = 40 + 65_535;
const NONCE_OCTETS = 4;

/** Path MTUs and reports of one box, for its control thread. */
export class PathKeeper {
  readonly mtus: PathMtus;
  readonly reports: PathReports;
  readonly #parts: KeeperParts;

  constructor(parts: KeeperParts) {
    const { core, shim6, reap, entropy, mtu, pass, isRoutable, count, transmit, release, tellReap, tellShim6 } = parts;
    this.#parts = parts;
    this.mtus = new PathMtus(mtu ?? LARGEST_PACKET, (id, now) => {
      const { lastSent } = core.counters(id);
      return lastSent !== undefined && now - lastSent < 2 * CONFIRM_INTERVAL;
    });
    const random = () => u32(entropy.bytes(NONCE_OCTETS), 0);
    this.reports = new PathReports({
      core,
      shim6,
      reap,
      mtus: this.mtus,
      random,
      pass,
      isRoutable,
      count,
      transmit,
      release,
      tellReap,
      tellShim6,
    });
  }

  get wakeAt(): Millis {
    return this.mtus.wakeAt;
  }

  poll(now: Millis): void {
    if (this.mtus.wakeAt > now) return;
    for (const effect of this.mtus.poll(now, new Draw(this.#parts.entropy.bytes(DRAW_RANDOM_OCTETS)))) this.#apply(effect, now);
  }

  /** The context, which is in the core or about to be, sends on `pair` from now on. @returns what that path carries */
  enter(
    { id, peerTag, peerCapabilities }: Pick<ContextView, "id" | "peerTag" | "peerCapabilities">,
    pair: LocatorPair,
    now: Millis,
  ): number {
    const { mtu, probe } = this.#parts;
    return this.mtus.enter(id, pair, mtu !== undefined && peerCapabilities !== undefined && probe() ? peerTag : undefined, now);
  }

  /** @returns whether the message answers a request of ours about a path: nobody else waits for it */
  acknowledged({ receiverTag, requestNonce }: UpdateAck, now: Millis): boolean {
    const context = this.#parts.shim6.findTag(receiverTag);
    return context !== undefined && this.mtus.acknowledged(context.id, requestNonce, now);
  }

  #apply(effect: MtuEffect, now: Millis): void {
    const { core, shim6, count, transmit } = this.#parts;
    if (effect.kind === "mtu") {
      core.update(effect.id, { mtu: effect.mtu }, now);
      return;
    }
    const { pair, octets, nonce, tag } = effect;
    const context = shim6.findPeerTag(tag, pair.peer);
    // In recovery the peer does not know the tag.
    if (context?.id !== effect.id || context.state !== "ESTABLISHED") return;
    count("out-path-probe");
    transmit(emitPaddedRequest(pair.local, pair.peer, tag, nonce, octets));
  }
}
