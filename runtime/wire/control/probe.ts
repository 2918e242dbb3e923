/**
 * Probe: which probes were sent and which arrived (RFC 5533 §5.13, RFC 5534 §5.2).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type = 67  | Reserved1   |0|
 *     |           Checksum            |R|                             |
 *     |                     Receiver Context Tag                      |
 *     | Precvd| Psent |Sta|                 Reserved2                 |
 *     ~       Psent reports of probes sent, the first of this one     ~
 *     ~       Precvd reports of probes received                       ~
 *
 * A report: source (16), destination (16), nonce (4), data (4).
 */
import { addressAt, putAddress } from "../../value/address.ts";
import { putU32, u32 } from "../../value/bytes.ts";
import { type Reject, reject } from "../../value/reject.ts";
import { showTag } from "../../value/tag.ts";
import type { Probe, ProbeReport, ReapState } from "../message.ts";
import { TYPE_PROBE } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { type MessageCodec, NO_OPTIONS, putTag, showNonce, tagAt, tooShort } from "./codec.ts";

/** Where the counts and the state are. */
export const PROBE_COUNTS_AT = 12;
export const PROBE_REPORTS_AT = 16;
export const PROBE_REPORT_LENGTH = 40;
/** Names by the value of Sta; 3 is not legal. */
export const PROBE_STATES: readonly ReapState[] = ["Operational", "Exploring", "InboundOk"];

export const probe: MessageCodec<Probe> = {
  kind: "Probe",
  type: TYPE_PROBE,
  minLength: PROBE_REPORTS_AT + PROBE_REPORT_LENGTH,
  options: NO_OPTIONS,
  optionsAt,
  parse,
  length,
  emit,
  show,
};

/** Psent, Precvd and Sta as they stand in the header. */
export function probeCounts(header: Uint8Array): { readonly sent: number; readonly received: number; readonly state: number } {
  const octet = header[PROBE_COUNTS_AT];
  return { sent: octet & 0x0f, received: octet >> 4, state: header[PROBE_COUNTS_AT + 1] >> 6 };
}

/** @returns `bad-probe-shim6` when there is no report of this probe or the state is illegal, `short-shim6` when reports are cut off */
function optionsAt(header: Uint8Array): number | Reject {
  const { sent, received, state } = probeCounts(header);
  if (sent === 0 || state >= PROBE_STATES.length) return reject("bad-probe-shim6", PROBE_COUNTS_AT);
  const end = PROBE_REPORTS_AT + PROBE_REPORT_LENGTH * (sent + received);
  return end > header.length ? tooShort(header) : end;
}

function parse(header: Uint8Array, options: Probe["options"]): Probe {
  const { sent, received, state } = probeCounts(header);
  return {
    kind: "Probe",
    receiverTag: tagAt(header),
    state: PROBE_STATES[state],
    sent: readReports(header, PROBE_REPORTS_AT, sent),
    received: readReports(header, PROBE_REPORTS_AT + PROBE_REPORT_LENGTH * sent, received),
    options,
  };
}

/** `count` reports from `at` on, or as many as there are octets for. */
export function readReports(header: Uint8Array, at: number, count: number): ProbeReport[] {
  const reports: ProbeReport[] = [];
  for (let i = at; reports.length < count && i + PROBE_REPORT_LENGTH <= header.length; i += PROBE_REPORT_LENGTH) {
    reports.push({
      source: addressAt(header, i),
      destination: addressAt(header, i + 16),
      nonce: u32(header, i + 32),
      data: u32(header, i + 36),
    });
  }
  return reports;
}

function length(message: Probe): number {
  return PROBE_REPORTS_AT + PROBE_REPORT_LENGTH * (message.sent.length + message.received.length);
}

function emit(message: Probe, header: Uint8Array): void {
  const sent = checkUnsigned(message.sent.length, 4, "number of reports of probes sent");
  if (sent === 0) throw new RangeError("a probe reports itself");
  const received = checkUnsigned(message.received.length, 4, "number of reports of probes received");
  putTag(header, message.receiverTag);
  header[PROBE_COUNTS_AT] = (received << 4) | sent;
  header[PROBE_COUNTS_AT + 1] = PROBE_STATES.indexOf(message.state) << 6;
  [...message.sent, ...message.received].forEach(({ source, destination, nonce, data }, i) => {
    const at = PROBE_REPORTS_AT + PROBE_REPORT_LENGTH * i;
    putAddress(source, header, at);
    putAddress(destination, header, at + 16);
    putU32(header, at + 32, checkUnsigned(nonce, 32, "probe nonce"));
    putU32(header, at + 36, checkUnsigned(data, 32, "probe data"));
  });
}

function show(message: Probe): string {
  const each = (reports: readonly ProbeReport[]) => reports.map(({ nonce }) => showNonce(nonce)).join(",");
  return `tag ${showTag(message.receiverTag)} ${message.state} sent ${each(message.sent)} received ${each(message.received) || "none"}`;
}
