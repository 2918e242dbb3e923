/**
 * Captures what a running box says and hears on the control plane: Shim6 messages in both directions, octet for octet, into a pcap file
 * that can be read at any time. For people and for judges; the box does not depend on it.
 */
import { PUNT_CONTROL } from "../../core-as/layout/verdict.ts";
import type { GrowingFile } from "../port/growing.ts";
import type { Log } from "../port/log.ts";
import type { PacketPlane } from "../port/packet.ts";
import { concat } from "../value/bytes.ts";
import { IPV6_HEADER_LENGTH, PROTOCOL_SHIM6, SHIM6_P_BIT, SHIM6_TYPE_AT } from "../wire/number.ts";
import { PCAP_HEADER_OCTETS, pcapHeader, pcapRecord } from "../wire/pcap.ts";

/** What a capture needs. */
export interface CaptureParts {
  readonly file: GrowingFile;
  /** Where the older half goes when the file has reached half of its limit. */
  readonly older: string;
  /** Octets of both files together, at most. */
  readonly limit: number;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly log: Log;
}

/** A pcap file that is being written. */
export class Capture {
  readonly #parts: CaptureParts;
  #waiting: Uint8Array[] = [];
  #octets = PCAP_HEADER_OCTETS;
  #broken = false;

  /** Writes the file's beginning. @throws {PortError} */
  constructor(parts: CaptureParts) {
    this.#parts = parts;
    parts.file.append(pcapHeader());
  }

  /** Keeps a copy of `packet`. It reaches the file before anything else happens that takes time. */
  add(packet: Uint8Array): void {
    if (this.#broken) return;
    if (this.#waiting.length === 0) queueMicrotask(() => this.flush());
    this.#waiting.push(pcapRecord(this.#parts.wall(), packet));
  }

  /** Writes what waits. A disk that takes no more ends the capture, not the box. */
  flush(): void {
    const records = this.#waiting;
    this.#waiting = [];
    const { file, older, limit, log } = this.#parts;
    try {
      let batch: Uint8Array[] = [];
      for (const record of records) {
        if (this.#octets + record.length > limit / 2 && this.#octets > PCAP_HEADER_OCTETS) {
          file.append(concat(...batch));
          batch = [];
          file.rotate(older);
          file.append(pcapHeader());
          this.#octets = PCAP_HEADER_OCTETS;
        }
        batch.push(record);
        this.#octets += record.length;
      }
      if (batch.length > 0) file.append(concat(...batch));
    } catch (error) {
      this.#broken = true;
      log.error("the capture ends here", { error: error instanceof Error ? error.message : String(error) });
    }
  }

  close(): void {
    this.flush();
    this.#parts.file.close();
  }
}

/** `plane`, with every control message that comes or goes through it put into `capture`. */
export function capturePlane(plane: PacketPlane, capture: Capture): PacketPlane {
  return {
    start: (handlers) =>
      plane.start({
        punt(packet, reason, context) {
          if (reason === PUNT_CONTROL) capture.add(packet);
          handlers.punt(packet, reason, context);
        },
        activity: (now) => handlers.activity(now),
        failed: (error) => handlers.failed(error),
      }),
    send(packet) {
      if (isControl(packet)) capture.add(packet);
      return plane.send(packet);
    },
    totals: () => plane.totals(),
    stop: () => plane.stop(),
  };
}

/** Ours have the Shim6 header right behind the IPv6 header. */
function isControl(packet: Uint8Array): boolean {
  return (
    packet[6] === PROTOCOL_SHIM6 &&
    packet.length > IPV6_HEADER_LENGTH + SHIM6_TYPE_AT &&
    (packet[IPV6_HEADER_LENGTH + SHIM6_TYPE_AT] & SHIM6_P_BIT) === 0
  );
}
