import type { Message, MessageKind } from "../message.ts";
import type { MessageCodec } from "./codec.ts";
import { error } from "./error.ts";
import { i1 } from "./i1.ts";
import { i2 } from "./i2.ts";
import { i2bis } from "./i2bis.ts";
import { keepalive } from "./keepalive.ts";
import { probe } from "./probe.ts";
import { r1 } from "./r1.ts";
import { r1bis } from "./r1bis.ts";
import { r2 } from "./r2.ts";
import { updateAck } from "./update-ack.ts";
import { updateRequest } from "./update-request.ts";

const BY_KIND: Readonly<Record<MessageKind, MessageCodec>> = {
  I1: i1,
  R1: r1,
  I2: i2,
  R2: r2,
  R1bis: r1bis,
  I2bis: i2bis,
  UpdateRequest: updateRequest,
  UpdateAck: updateAck,
  Keepalive: keepalive,
  Probe: probe,
  Error: error,
};
const BY_TYPE = new Map(Object.values(BY_KIND).map((codec) => [codec.type, codec]));

/** How to read messages of `type`; `undefined` for a type that we do not know. */
export function messageCodec(type: number): MessageCodec | undefined {
  return BY_TYPE.get(type);
}

/** How to write `message`. */
export function codecOf(message: Message): MessageCodec {
  return BY_KIND[message.kind];
}
