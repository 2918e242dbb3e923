/**
 * What both directions of one exploration have shown so far: probes we sent, and which of them the peer says it received;
 * probes that we received (RFC 5534 §5.2).
 */
import type { LocatorPair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import type { ProbeReport } from "../wire/message.ts";

/** A probe of ours, as its report names it. */
export interface SentProbe {
  readonly pair: LocatorPair;
  readonly nonce: number;
  readonly at: Millis;
  /** The peer reported it. */
  confirmed: boolean;
}

/** Reports of each kind in a Probe: 15 would fit, 5 keep it below 500 octets. */
export const REPORTS_PER_PROBE = 5;
/** Probes that we can still recognise in a report. */
const SENT_KEPT = 16;

/** The reports of one context's exploration. Bounded: 16 sent, 5 received. */
export class Trail {
  /** Newest first. */
  readonly #sent: SentProbe[] = [];
  /** Newest first. */
  readonly #received: ProbeReport[] = [];

  /** A probe that leaves now. @returns the sent-reports for it: itself, then recent ones that the peer has not yet reported. */
  send(pair: LocatorPair, nonce: number, now: Millis): ProbeReport[] {
    this.#sent.unshift({ pair, nonce, at: now, confirmed: false });
    if (this.#sent.length > SENT_KEPT) this.#sent.pop();
    return this.#sent
      .filter(({ confirmed }) => !confirmed)
      .slice(0, REPORTS_PER_PROBE)
      .map(reportOf);
  }

  /** Whether a probe has left in this exploration. */
  get hasSent(): boolean {
    return this.#sent.length > 0;
  }

  /** Remembers the first sent-report of a probe received; one that came twice counts once. */
  hear(report: ProbeReport): void {
    const known = this.#received.findIndex((other) => sameReport(other, report));
    if (known >= 0) this.#received.splice(known, 1);
    this.#received.unshift(report);
    if (this.#received.length > REPORTS_PER_PROBE) this.#received.pop();
  }

  /** Received-reports for the next probe, newest first. */
  get received(): readonly ProbeReport[] {
    return this.#received.slice();
  }

  /** The node enters Exploring: only probes heard since count (§5.2, Precvd). */
  forgetReceived(): void {
    this.#received.length = 0;
  }

  /** Those of our probes that `reports` name for the first time, newest first; from now on they count as confirmed. */
  confirm(reports: readonly ProbeReport[]): SentProbe[] {
    const fresh = this.reported(reports).filter(({ confirmed }) => !confirmed);
    for (const probe of fresh) probe.confirmed = true;
    return fresh;
  }

  /** Those of our probes that `reports` name, newest first. A report that fits none in nonce and addresses is ignored. */
  reported(reports: readonly ProbeReport[]): SentProbe[] {
    return this.#sent.filter((probe) => reports.some((report) => sameReport(report, reportOf(probe))));
  }

  /** Latest probe sent on `pair`, or `undefined`. */
  latest(pair: LocatorPair): SentProbe | undefined {
    return this.#sent.find((probe) => probe.pair.local === pair.local && probe.pair.peer === pair.peer);
  }
}

function reportOf({ pair, nonce }: SentProbe): ProbeReport {
  return { source: pair.local, destination: pair.peer, nonce, data: 0 };
}

function sameReport(a: ProbeReport, b: ProbeReport): boolean {
  return a.nonce === b.nonce && a.source === b.source && a.destination === b.destination;
}
