/** Error messages received (RFC 5533 §5.14, §12.4). The RFC says what they mean, not what to do; shim6-state §7 does. */
import type { Locator } from "../value/address.ts";
import { Reject } from "../value/reject.ts";
import type { ErrorMessage, MessageKind } from "../wire/message.ts";
import { ERROR_LOCATOR_VERIFICATION, ERROR_PREFERENCE_COUNT } from "../wire/number.ts";
import { parseQuoted, type QuotedControl } from "../wire/quote.ts";
import { type Context, samePair } from "./context.ts";
import type { ContextState } from "./contract.ts";
import type { Engine } from "./engine.ts";
import { updateRefused } from "./update.ts";

/** The state in which we wait for an answer to a message. */
const WAITS_IN: Readonly<Partial<Record<MessageKind, ContextState>>> = { I1: "I1-SENT", I2: "I2-SENT", I2bis: "I2BIS-SENT" };

/**
 * Gives up the set-up or the update that an Error answers, if the packet in error is one that we sent and still wait for: same tag, nonce
 * and locators, and the Error came back from where it went. Codes 0 to 2 will not go away by repeating the message.
 */
export function receiveError(engine: Engine, source: Locator, destination: Locator, message: ErrorMessage): void {
  const quoted = parseQuoted(message.packet);
  if (quoted instanceof Reject || quoted.kind === "payload" || quoted.source !== destination || quoted.destination !== source) {
    engine.drop("stray-error");
    return;
  }
  if (quoted.message === "UpdateRequest") {
    answersUpdate(engine, quoted, message.code);
    return;
  }
  const context = quoted.tag === undefined ? undefined : engine.table.byTag(quoted.tag);
  if (context === undefined || !isOurs(context, quoted)) engine.drop("stray-error");
  else if (message.code > ERROR_LOCATOR_VERIFICATION) engine.drop("idle-error");
  else engine.fail(context, "refused");
}

/** A request names the context by the peer's tag. */
function answersUpdate(engine: Engine, { tag, nonce, source, destination }: QuotedControl, code: number): void {
  const context = tag === undefined ? undefined : engine.table.byPeer(tag, destination);
  const update = context?.update;
  const pair = { local: source, peer: destination };
  const ours = update !== undefined && update.nonce === nonce && update.sent.some((sent) => samePair(sent, pair));
  if (context === undefined || !ours) engine.drop("stray-error");
  else if (code > ERROR_PREFERENCE_COUNT) engine.drop("idle-error");
  else updateRefused(engine, context, update, code);
}

function isOurs({ state, setup }: Context, { message, nonce, source, destination }: QuotedControl): boolean {
  if (state !== WAITS_IN[message] || setup?.initiatorNonce !== nonce) return false;
  const pair = { local: source, peer: destination };
  return setup?.sent.some((sent) => samePair(sent.pair, pair)) ?? false;
}
