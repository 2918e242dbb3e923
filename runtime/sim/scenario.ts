/**
 * The scenarios: what a seed draws its world from. Times are milliseconds, rates probabilities; a {@link Range} holds both ends.
 * A new scenario is a row here.
 */
import type { Millis } from "../value/time.ts";
import type { Range } from "./dice.ts";

/** What may go wrong, and to what. */
export type FaultKind =
  /** A provider of a site is dead, both ways. */
  | "provider"
  /** Nothing leaves a site by one provider; what comes in still does. */
  | "out"
  /** Nothing enters a site by one provider. */
  | "in"
  /** One provider no longer reaches one other, one way. */
  | "road"
  /** A provider comes and goes. */
  | "flap"
  /** A provider's links carry less than they did, and say nothing. */
  | "hole"
  /** The same, with Packet Too Big. */
  | "narrow"
  /** Heavy loss by one provider. */
  | "storm"
  /** The box is killed and started again: contexts are gone, keys are not. */
  | "kill"
  /** The box's process is stopped, and goes on later. */
  | "stop"
  /** The calendar jumps. */
  | "wall"
  /** The site's rules prefer a provider, and then say nothing again. */
  | "rules"
  /** An operator drains a provider, and restores it. */
  | "drain"
  /** The mobile node behind a home address moves: nothing reaches it, then everything takes another detour. */
  | "handover";

/** What stands at the other site. */
export type PeerKind =
  /** A box like ours. */
  | "box"
  /** Nothing: packets vanish. */
  | "silent"
  /** A kernel that knows no Shim6 and says so (RFC 4443 §3.4, code 1). */
  | "plain";

/** A row of the table. */
export interface Scenario {
  readonly about: string;
  readonly sites: number;
  /** Providers of each site. */
  readonly providers: Range;
  readonly hosts: Range;
  /** Connections with acknowledgements, and one-way flows of datagrams. */
  readonly streams: Range;
  readonly datagrams: Range;
  /** Share of worlds whose boxes use the fast profile; the others keep to RFC 5534's timers. */
  readonly fast: number;
  /** Share of worlds where only the first site does, the others keep to the RFC's timers. */
  readonly mixed: number;
  /** How long hosts have something to send. */
  readonly lasts: Range;
  /** Octets that an application writes at a time, and the pause until it writes again. */
  readonly writes: Range;
  readonly pauses: Range;
  /** One way, from provider to provider; jitter is a share of it. */
  readonly delay: Range;
  readonly jitter: Range;
  /** Share of worlds whose lines have the following faults at all. */
  readonly lossy: number;
  readonly loss: Range;
  readonly twice: Range;
  /** Probability that a packet is held back by up to a delay, so that later ones pass it. */
  readonly late: Range;
  readonly mtu: Range;
  readonly faults: Range;
  readonly kinds: readonly FaultKind[];
  /** How long a fault lasts. */
  readonly fault: Range;
  /** Packets a second that somebody forges who sees nothing. */
  readonly offPath: Range;
  /** Probability that somebody who sees all packets of one provider does something to one of them. */
  readonly onPath: Range;
  readonly peer: PeerKind;
  /** All hosts begin in the same instant. */
  readonly together: boolean;
  /** Idle timeout of contexts. */
  readonly idle: Range;
  /** Contexts that a box may have; 0 = enough. */
  readonly contexts: number;
  /** Locators of one provider are home addresses: each way goes through a tunnel of the home agent, so much longer and 40 octets narrower. */
  readonly detour?: Range;
  /** What hosts say is inside a tunnel between them. */
  readonly tunnelled?: true;
  /** Sites have rules about flows: some get contexts of their own, by other providers than the rest. */
  readonly forks?: true;
  /** Nothing goes wrong: a context that leaves its pair does so needlessly. */
  readonly steady?: true;
}

const SECOND: Millis = 1000;

/** Nothing happens. */
const CALM: Scenario = {
  about: "two sites, nothing goes wrong",
  sites: 2,
  providers: [1, 3],
  hosts: [1, 2],
  streams: [1, 3],
  datagrams: [0, 1],
  fast: 0.85,
  mixed: 0,
  lasts: [20 * SECOND, 60 * SECOND],
  writes: [40, 1200],
  pauses: [60, 500],
  delay: [1, 80],
  jitter: [0, 0.1],
  lossy: 1,
  loss: [0, 0],
  twice: [0, 0],
  late: [0, 0],
  mtu: [1400, 1500],
  faults: [0, 0],
  kinds: [],
  fault: [SECOND, 15 * SECOND],
  offPath: [0, 0],
  onPath: [0, 0],
  peer: "box",
  together: false,
  idle: [60 * SECOND, 300 * SECOND],
  contexts: 0,
};

/** Every scenario by its name. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  calm: { ...CALM, steady: true, datagrams: [0, 2] },
  standard: {
    ...CALM,
    about: "a little of everything",
    mixed: 0.1,
    lossy: 0.5,
    loss: [0, 0.02],
    twice: [0, 0.01],
    late: [0, 0.02],
    faults: [1, 6],
    kinds: ["provider", "provider", "out", "in", "road", "flap", "storm", "kill", "stop"],
  },
  failover: {
    ...CALM,
    about: "providers die and come back; nothing is lost otherwise",
    providers: [2, 3],
    mixed: 0.1,
    faults: [1, 3],
    kinds: ["provider"],
    fault: [5 * SECOND, 90 * SECOND],
  },
  "one-way": {
    ...CALM,
    about: "one direction dies, the other lives",
    providers: [2, 3],
    mixed: 0.1,
    datagrams: [0, 2],
    faults: [1, 4],
    kinds: ["out", "in", "road"],
    fault: [5 * SECOND, 90 * SECOND],
  },
  steering: {
    ...CALM,
    about: "rules change, providers are drained and used again, lines die meanwhile",
    providers: [2, 3],
    mixed: 0.1,
    datagrams: [0, 2],
    faults: [2, 6],
    kinds: ["rules", "rules", "drain", "drain", "provider", "out"],
    fault: [SECOND, 60 * SECOND],
  },
  flapping: {
    ...CALM,
    about: "providers come and go",
    providers: [2, 3],
    faults: [1, 3],
    kinds: ["flap"],
    fault: [10 * SECOND, 60 * SECOND],
  },
  loss: { ...CALM, about: "bad lines: loss, duplicates, reordering", loss: [0.02, 0.3], twice: [0, 0.1], late: [0, 0.2], jitter: [0, 1] },
  "mtu-black-hole": {
    ...CALM,
    about: "links shrink below what hosts send, some silently",
    writes: [1200, 6000],
    mtu: [1288, 1500],
    faults: [1, 3],
    kinds: ["hole", "narrow", "provider"],
  },
  restart: {
    ...CALM,
    about: "boxes are killed and started again",
    lossy: 0.5,
    loss: [0, 0.01],
    faults: [1, 4],
    kinds: ["kill", "kill", "provider"],
    fault: [10, 10 * SECOND],
  },
  clock: {
    ...CALM,
    about: "processes stop for seconds, calendars jump, clocks are about to wrap",
    faults: [1, 4],
    kinds: ["stop", "stop", "wall", "provider"],
    fault: [50, 25 * SECOND],
  },
  "off-path": {
    ...CALM,
    about: "somebody forges packets without seeing any",
    lossy: 0.3,
    loss: [0, 0.01],
    faults: [0, 2],
    kinds: ["provider", "kill"],
    offPath: [2, 20],
  },
  "on-path": {
    ...CALM,
    about: "somebody sees what one provider carries, and repeats, changes and forges",
    faults: [0, 1],
    kinds: ["provider", "kill"],
    onPath: [0.02, 0.3],
  },
  "many-contexts": {
    ...CALM,
    about: "dozens of contexts fail at once, in a table that may be too small",
    providers: [2, 3],
    hosts: [6, 10],
    streams: [30, 60],
    lasts: [5 * SECOND, 15 * SECOND],
    pauses: [400, 2000],
    faults: [1, 2],
    kinds: ["provider", "provider", "kill"],
    contexts: 48,
  },
  crossing: {
    ...CALM,
    about: "both sides begin at once, mostly on lines that lose",
    lossy: 0.7,
    streams: [2, 4],
    lasts: [5 * SECOND, 20 * SECOND],
    loss: [0, 0.3],
    twice: [0, 0.1],
    late: [0, 0.2],
    together: true,
  },
  "no-answer": { ...CALM, about: "the peer has no box, and nobody says so", faults: [0, 1], kinds: ["provider", "kill"], peer: "silent" },
  "no-support": { ...CALM, about: "the peer knows no Shim6 and says so", faults: [0, 1], kinds: ["provider", "kill"], peer: "plain" },
  "home-address": {
    ...CALM,
    about: "one locator is a mobile node's home address: a detour that changes, pauses and dies",
    providers: [2, 3],
    datagrams: [0, 2],
    detour: [20, 250],
    faults: [1, 5],
    kinds: ["handover", "handover", "provider", "narrow"],
    fault: [200, 30 * SECOND],
  },
  "tunnel-ends": {
    ...CALM,
    about: "hosts are the ends of a tunnel: what is inside is re-homed with it",
    providers: [2, 3],
    writes: [200, 6000],
    mtu: [1330, 1500],
    lossy: 0.3,
    loss: [0, 0.01],
    faults: [1, 4],
    kinds: ["provider", "provider", "narrow", "hole", "kill"],
    fault: [SECOND, 60 * SECOND],
    tunnelled: true,
  },
  forks: {
    ...CALM,
    about: "rules about protocols and ports: several contexts for the same hosts, by different providers",
    providers: [2, 3],
    hosts: [1, 1],
    streams: [2, 4],
    datagrams: [1, 3],
    mixed: 0.1,
    lossy: 0.5,
    loss: [0, 0.02],
    faults: [1, 5],
    kinds: ["provider", "provider", "out", "in", "flap", "kill", "stop", "narrow"],
    fault: [SECOND, 60 * SECOND],
    forks: true,
  },
  "three-sites": {
    ...CALM,
    about: "three sites, each talking to the others",
    sites: 3,
    streams: [3, 6],
    lossy: 0.5,
    loss: [0, 0.01],
    faults: [1, 4],
    kinds: ["provider", "kill", "out", "stop"],
  },
};

/** The scenario of that name. @throws {RangeError} */
export function scenarioOf(name: string): Scenario {
  if (!Object.hasOwn(SCENARIOS, name)) throw new RangeError(`no scenario ${name}; one of ${Object.keys(SCENARIOS).join(", ")}`);
  return SCENARIOS[name];
}
