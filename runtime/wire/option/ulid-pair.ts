/**
 * ULID Pair (RFC 5533 §5.15.6). Sender and receiver are those of the message that carries it.
 *
 *     |           Type = 6          |C|         Length = 36           |
 *     |                          Reserved                             |
 *     |                       Sender ULID (16)                        |
 *     |                      Receiver ULID (16)                       |
 */
import { ADDRESS_OCTETS, addressAt, putAddress } from "../../value/address.ts";
import { type Reject, reject } from "../../value/reject.ts";
import { OPTION_ULID_PAIR } from "../number.ts";
import type { OptionCodec, OptionOf } from "./codec.ts";

const LENGTH = 36;
const SENDER_AT = 4;
const RECEIVER_AT = SENDER_AT + ADDRESS_OCTETS;

export const ulidPair: OptionCodec<OptionOf<"ulid-pair">> = { kind: "ulid-pair", type: OPTION_ULID_PAIR, parse, length, emit, show };

function parse(contents: Uint8Array): OptionOf<"ulid-pair"> | Reject {
  if (contents.length !== LENGTH) return reject("bad-length-option-shim6", OPTION_ULID_PAIR);
  return { kind: "ulid-pair", sender: addressAt(contents, SENDER_AT), receiver: addressAt(contents, RECEIVER_AT) };
}

function length(): number {
  return LENGTH;
}

function emit({ sender, receiver }: OptionOf<"ulid-pair">, contents: Uint8Array): void {
  putAddress(sender, contents, SENDER_AT);
  putAddress(receiver, contents, RECEIVER_AT);
}

function show({ sender, receiver }: OptionOf<"ulid-pair">): string {
  return `ulids ${sender} > ${receiver}`;
}
