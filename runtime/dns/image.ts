/** A message becomes an entry of {@link ./answers.ts}. */
import { u16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import type { Millis } from "../value/time.ts";
import { type DnsMessage, TYPE_OPT } from "../wire/dns.ts";
import { emitDns, questionOctets } from "../wire/dns-emit.ts";
import { canonicalName, readName } from "../wire/dns-name.ts";
import { DNS_HEADER_LENGTH, RECORD_FIXED_LENGTH } from "../wire/dns-parse.ts";
import { type AnswerEntry, KIND_CD, KIND_DO, KIND_EDNS } from "./answers.ts";

/** Longer answers are built anew each time. Chosen: few are, and they would push out many short ones. */
const IMAGE_LIMIT = 8192;

/**
 * The entry that answers requests like the one `message` answers, from `bornAt` to before `until`. `message` has one question, RD as the request, and AD as
 * whoever wants to know it gets it.
 * @returns `undefined` for a message that is too long to keep
 */
export function entryFor(message: DnsMessage, bornAt: Millis, until: Millis): AnswerEntry | undefined {
  const { questions, edns, checkingDisabled } = message;
  const image = emitDns({ ...message, id: 0, questions: questions.map((each) => ({ ...each, name: canonicalName(each.name) })) });
  const question = questionOctets(image)?.slice();
  const places = image.length > IMAGE_LIMIT ? undefined : placesOf(image);
  if (question === undefined || places === undefined) return undefined;
  const kind = (edns === undefined ? 0 : KIND_EDNS) | (edns?.dnssecOk ? KIND_DO : 0) | (checkingDisabled ? KIND_CD : 0);
  return { question, kind, image, ...places, bornAt, until };
}

/** Where the TTLs and the OPT record of a message of ours are. */
function placesOf(image: Uint8Array): Pick<AnswerEntry, "ttls" | "opt"> | undefined {
  const ttls: number[] = [];
  let opt = image.length;
  let at = DNS_HEADER_LENGTH;
  for (let left = u16(image, 4); left > 0; left--) {
    const read = readName(image, at);
    if (read instanceof Reject) return undefined;
    at = read.end + 4;
  }
  for (let left = u16(image, 6) + u16(image, 8) + u16(image, 10); left > 0; left--) {
    const read = readName(image, at);
    if (read instanceof Reject) return undefined;
    if (u16(image, read.end) === TYPE_OPT) opt = at;
    else ttls.push(read.end + 4);
    at = read.end + RECORD_FIXED_LENGTH + u16(image, read.end + 8);
  }
  return { ttls: Uint16Array.from(ttls), opt };
}
