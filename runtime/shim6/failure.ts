/** Error messages received (RFC 5533 §5.14, §12.4). The RFC says what they mean, not what to do; shim6-state §7 does. */
import type { Locator } from "../value/address.ts";
import type { ErrorMessage } from "../wire/message.ts";
import { type Context, samePair } from "./context.ts";
import type { Engine } from "./engine.ts";
import { type Quoted, readQuoted } from "./octets.ts";
import { ERROR_LOCATOR_VERIFICATION } from "./receive.ts";

const STATE_OF = { I1: "I1-SENT", I2: "I2-SENT", I2bis: "I2BIS-SENT" } as const;

/**
 * Gives up the set-up that an Error answers, if the packet in error is one that we sent and still wait for: same tag, nonce
 * and locators, and the Error came back from where it went. Codes 0 to 2 will not go away by repeating the message.
 */
export function receiveError(engine: Engine, source: Locator, destination: Locator, message: ErrorMessage): void {
  const quoted = readQuoted(message.packet);
  const context = quoted === undefined || quoted.kind === "UpdateRequest" ? undefined : engine.table.byTag(quoted.tag);
  const echoes = quoted !== undefined && quoted.source === destination && quoted.destination === source;
  if (context === undefined || !echoes || !isOurs(context, quoted)) {
    engine.drop("stray-error");
    return;
  }
  if (message.code > ERROR_LOCATOR_VERIFICATION) {
    engine.drop("idle-error");
    return;
  }
  engine.fail(context, "refused");
}

function isOurs({ state, setup }: Context, { kind, nonce, source, destination }: Quoted): boolean {
  if (kind === "UpdateRequest" || state !== STATE_OF[kind] || setup?.initiatorNonce !== nonce) return false;
  const pair = { local: source, peer: destination };
  return setup.sent.some((sent) => samePair(sent.pair, pair));
}
