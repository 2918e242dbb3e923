/**
 * kill -9, a hundred times, at random moments of a box that gives out leases as fast as it can. What clients were told is taken from
 * the wire: every Reply with an address. After each kill:
 *
 * - the store holds every lease of every Reply there ever was, for the same client, for as long as the client was told;
 * - it holds the CGA parameters of every address that anyone was told;
 * - no address was ever told to two clients, and no client was told two.
 *
 * Every second round has the clients of the one before: the box that starts over must know them.
 *
 * usage: kill.ts [--rounds N] [--rate EXCHANGES_PER_SECOND] [--seed N] [--runtime node|deno|bun] [--json]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { json, note, numberOf, runtimeWord } from "../lib/bench/arguments.ts";
import { seededRandom } from "../lib/bench/random.ts";
import { addLine, LONE_SITE, type TestBox, testBox } from "../lib/names/box.ts";
import { insideCage } from "../lib/names/cage.ts";
import { readDhcp, type Seen, showSeen } from "../lib/names/dhcp-wire.ts";
import { addNode, join, linkReady, type Node } from "../lib/names/nodes.ts";
import { startLoad } from "../lib/names/perfdhcp.ts";
import { sleep, stopAll, until } from "../lib/names/program.ts";
import { readStored } from "../lib/names/stored.ts";
import { capture, endCaptures } from "../lib/names/traffic.ts";
import { havePeers } from "../lib/peers.ts";

/** What one client was told last. */
interface Told {
  readonly address: string;
  /** Hex of its DUID, and its IAID. */
  readonly client: string;
  /** Calendar milliseconds to which the lease was told to be valid. */
  readonly until: number;
}

interface Round {
  readonly replies: number;
}

/** From the load's start, or the first Reply, to the kill, milliseconds. */
const SHORTEST = 1;
const LONGEST = 1_200;
/** Share of the rounds in which no Reply is waited for. */
const EARLY = 0.1;
/** A lease is counted from the Request, a client counts from the Reply; and lifetimes are whole seconds on both sides. */
const SLACK = 5_000;
const LEASES = 1_000_000;
const LOAD_SECONDS = 60;
const FAULTS_SHOWN = 20;

const rounds = numberOf("rounds", 100, 1, 100_000);
const rate = numberOf("rate", 3_000, 1, 64_000);
const seed = numberOf("seed", 8415, 0, 0xffff_ffff);
const runtime = runtimeWord();

/** Everything that any client was told, over all rounds. */
class Ledger {
  readonly byAddress = new Map<string, Told>();
  readonly byClient = new Map<string, string>();
  readonly faults: string[] = [];
  replies = 0;

  /** Takes a Reply; other messages tell nobody anything for good. */
  hear(message: Seen): void {
    if (message.type !== "reply") return;
    const client = `${message.client}/${message.iaid}`;
    for (const { address, valid } of message.addresses.filter((one) => one.valid > 0)) {
      this.replies++;
      const before = this.byAddress.get(address);
      if (before !== undefined && before.client !== client)
        this.faults.push(`given twice: ${showSeen(message)}, before to ${before.client}`);
      const other = this.byClient.get(client);
      if (other !== undefined && other !== address) this.faults.push(`${client} had ${other}: ${showSeen(message)}`);
      this.byClient.set(client, address);
      this.byAddress.set(address, { address, client, until: message.at / 1000 + valid * 1000 });
    }
  }

  /** Compares with the box's store in `directory`. */
  async audit(directory: string): Promise<void> {
    const { leases, parameters } = await readStored(directory);
    const stored = new Map(leases.map((lease) => [String(lease.ulid), lease]));
    for (const { address, client, until } of this.byAddress.values()) {
      const lease = stored.get(address);
      const owner = lease === undefined ? "nobody" : `${Buffer.from(lease.duid).toString("hex")}/${lease.iaid}`;
      if (lease?.state !== "bound" || owner !== client)
        this.faults.push(`${address} was told to ${client}, the store has ${owner}, ${lease?.state}`);
      else if (lease.until < until - SLACK) this.faults.push(`${address} ends ${until - lease.until} ms before the time that was told`);
      if (!parameters.has(address)) this.faults.push(`no CGA parameters of ${address}`);
    }
  }
}

async function runRound(number: number, box: TestBox, load: Node, ledger: Ledger, random: () => number): Promise<Round> {
  const file = `${box.directory}/round.pcap`;
  await box.start();
  const tcpdump = await capture(load, "lan", file);
  const program = startLoad(load, { rate, seconds: LOAD_SECONDS, clients: LEASES, family: number >> 1 });
  await program.said(/Running/);
  // Every so often before the first Reply; otherwise at a moment after it, however slow the machine is.
  if (random() >= EARLY)
    await until("a Reply", () => (readDhcp(file).some(({ type }) => type === "reply") ? true : undefined), box.lastWords);
  await sleep(SHORTEST + random() * (LONGEST - SHORTEST));
  await box.kill();
  program.signal("SIGKILL");
  await program.ended();
  await endCaptures([tcpdump]);
  const [, dropped = "?"] = /(\d+) packets dropped by kernel/.exec(tcpdump.log) ?? [];
  if (dropped !== "0") note(`  round ${number}: the capture lacks ${dropped} packets`);
  const before = ledger.replies;
  for (const message of readDhcp(file)) ledger.hear(message);
  await ledger.audit(box.state);
  return { replies: ledger.replies - before };
}

async function runAll(directory: string): Promise<{ readonly ledger: Ledger; readonly done: readonly Round[] }> {
  const [server, load] = [addNode("server", true), addNode("load")];
  join(server, "lan", load, "lan");
  await Promise.all([server, load].map((node) => linkReady(node, "lan")));
  server.ip("address add fc00:aaaa:1::1/64 dev lan");
  addLine(server);
  const yaml = `${LONE_SITE}dhcp: { max: ${LEASES}, dns: ["fc00:aaaa:1::1"] }\n`;
  const box = testBox({ node: server, runtime, directory, logLevel: "warn" }, yaml);
  const ledger = new Ledger();
  const random = seededRandom(seed);
  const done: Round[] = [];
  for (let number = 0; number < rounds && ledger.faults.length === 0; number++) {
    const round = await runRound(number, box, load, ledger, random);
    done.push(round);
    if (number % 10 === 9)
      note(`  ${number + 1} kills, ${ledger.replies} Replies, ${ledger.byAddress.size} leases, ${ledger.faults.length} faults`);
  }
  return { ledger, done };
}

if (havePeers("root", "perfdhcp", "tcpdump") && insideCage(fileURLToPath(import.meta.url), process.argv.slice(2))) {
  // On a disk: in the cage's own directory a sync would cost nothing.
  const disk = mkdtempSync(joinPath(tmpdir(), "pshim6-kill-"));
  try {
    note(`killing a box on ${runtime} ${rounds} times under ${rate} exchanges a second, seed ${seed} …`);
    const { ledger, done } = await runAll(disk);
    const idle = done.filter(({ replies }) => replies === 0).length;
    const result = { kills: done.length, idle, replies: ledger.replies, leases: ledger.byAddress.size, faults: ledger.faults };
    if (json) {
      const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
      console.log(JSON.stringify({ bench: "kill", date: new Date().toISOString(), ...machine, runtime, rate, seed, ...result }));
    } else {
      console.log(`${result.kills} kills (${idle} of them before the first Reply), ${result.replies} Replies, ${result.leases} leases`);
      console.log(
        ledger.faults.length === 0 ? "nothing was lost, nothing was given twice" : ledger.faults.slice(0, FAULTS_SHOWN).join("\n"),
      );
    }
    process.exitCode = ledger.faults.length === 0 && result.replies > 0 ? 0 : 1;
  } finally {
    stopAll();
    rmSync(disk, { recursive: true, force: true });
  }
}
