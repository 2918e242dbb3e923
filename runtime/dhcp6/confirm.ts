/** Confirm (RFC 8415 §18.3.3). */
import { REPLY, STATUS_NOT_ON_LINK, STATUS_SUCCESS } from "../wire/dhcp6-number.ts";
import { type Answer, type Ask, addressesOf, every, statusOf } from "./ask.ts";
import { isOnLink } from "./link.ts";

/** Whether all addresses are right for the link; `undefined` = nothing to say: none was named, or the link is not known. */
export function answerConfirm(ask: Ask): Answer | undefined {
  const { link } = ask;
  const addresses = [...every(ask, "ia-na"), ...every(ask, "ia-ta")].flatMap(addressesOf);
  if (link === undefined || addresses.length === 0) return undefined;
  const isRight = addresses.every((address) => isOnLink(link, address));
  return { type: REPLY, options: [statusOf(isRight ? STATUS_SUCCESS : STATUS_NOT_ON_LINK)], configuration: false };
}
