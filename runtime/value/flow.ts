/** The words that people have for parts of a flow and times of the week. */

/** IANA protocol numbers with names that people use. */
export const PROTOCOLS: Readonly<Record<string, number>> = {
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  icmp6: 58,
  sctp: 132,
  udplite: 136,
};

/** Classes of traffic by name: RFC 2474, RFC 2597, RFC 3246 and RFC 8622. */
export const CLASSES: Readonly<Record<string, number>> = {
  le: 1,
  ef: 46,
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((n) => [`cs${n}`, 8 * n])),
  ...Object.fromEntries([1, 2, 3, 4].flatMap((n) => [1, 2, 3].map((drop) => [`af${n}${drop}`, 8 * n + 2 * drop]))),
};

/** Days of the week as the settings name them, from Monday on. */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const MINUTES_AN_HOUR = 60;
const HOURS_A_DAY = 24;

/** The protocol that `text` names by name or number; `undefined` if it names none. */
export function parseProtocol(text: string): number | undefined {
  if (Object.hasOwn(PROTOCOLS, text)) return PROTOCOLS[text];
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : undefined;
}

/** The DSCP that `text` names by name or number; `undefined` if it names none. */
export function parseClass(text: string): number | undefined {
  if (Object.hasOwn(CLASSES, text)) return CLASSES[text];
  return /^\d{1,2}$/.test(text) && Number(text) <= 63 ? Number(text) : undefined;
}

/** `fri 17:30` as minutes since Monday 00:00; `undefined` for what is no time of the week. */
export function parseWeekMinute(text: string): number | undefined {
  const match = /^(\w{3}) +(\d{1,2}):(\d\d)$/.exec(text.trim().toLowerCase());
  if (match === null) return undefined;
  const [day, hour, minute] = [DAYS.indexOf(match[1]), Number(match[2]), Number(match[3])];
  if (day < 0 || hour >= HOURS_A_DAY || minute >= MINUTES_AN_HOUR) return undefined;
  return (day * HOURS_A_DAY + hour) * MINUTES_AN_HOUR + minute;
}
