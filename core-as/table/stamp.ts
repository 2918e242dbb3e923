/**
 * The REAP timers of a record as packets move them (RFC 5534 §6, column Operational): only starts are kept, and whether
 * one has expired is the timer wheel's question. Stamps are milliseconds modulo 2^32; 0 says stopped, so an instant that
 * happens to be 0 is kept as the millisecond before.
 *
 * Two lanes may do this to one record at once. The worst outcome is both timers stopped or both running until the next packet.
 */
import { RECORD_KEEPALIVE_SINCE, RECORD_LAST_RECEIVED, RECORD_LAST_SENT, RECORD_SEND_SINCE } from "../layout/record.ts";

/** The instant `now` as a stamp: never 0. */
export function stampOf(now: u32): u32 {
  return now == 0 ? 0xffff_ffff : now;
}

/** Payload sent: START Send, STOP Keepalive. @returns whether no timer was running before: the wheel may be asleep on it */
export function stampSent(record: usize, stamp: u32): bool {
  const send = load<u32>(record, RECORD_SEND_SINCE);
  const keepalive = load<u32>(record, RECORD_KEEPALIVE_SINCE);
  store<u32>(record, stamp, RECORD_LAST_SENT);
  if (keepalive != 0) store<u32>(record, 0, RECORD_KEEPALIVE_SINCE);
  if (send != 0) return false;
  store<u32>(record, stamp, RECORD_SEND_SINCE);
  return keepalive == 0;
}

/**
 * Payload received: STOP Send, START Keepalive; the latter not while `held`, since Exploring and InboundOk know no Keepalive
 * timer. @returns as {@link stampSent}
 */
export function stampReceived(record: usize, stamp: u32, held: bool): bool {
  const send = load<u32>(record, RECORD_SEND_SINCE);
  const keepalive = load<u32>(record, RECORD_KEEPALIVE_SINCE);
  store<u32>(record, stamp, RECORD_LAST_RECEIVED);
  if (send != 0) store<u32>(record, 0, RECORD_SEND_SINCE);
  if (keepalive != 0 || held) return false;
  store<u32>(record, stamp, RECORD_KEEPALIVE_SINCE);
  return send == 0;
}
