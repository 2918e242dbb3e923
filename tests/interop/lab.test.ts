/**
 * The whole program in the lab, and what was on its wires, judged by others:
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 *
 * Control messages are judged by tests/lib/judge/shim6judge.py (tshark 4.0 misreads them by one octet). Payload packets carry
 * TCP checksums over ULIDs, which tshark cannot know on the wire: they are checked here, and by tshark on the LANs, for the
 * packets that came through both boxes (what a host itself just sent has no checksum yet: its interface would add it). A box joins
 * segments on a LAN as the kernel does (GRO): such a packet carries the pseudo-header's sum, the rest of which is its interface's business.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PassReport } from "../../runtime/lab/model.ts";
import { ALPHA, BETA, twoSites, WIRE_MTU } from "../../runtime/lab/world.ts";
import { type Address, address, addressAt, addressOctets } from "../../runtime/value/address.ts";
import { u16, u48 } from "../../runtime/value/bytes.ts";
import { contains, withPrefix } from "../../runtime/value/prefix.ts";
import { commandOf, PROJECT, testHost } from "../lib/labhost.ts";
import { isPartialRight, isSumRight } from "../lib/large.ts";
import { readIpv6 } from "../lib/pcap.ts";
import { havePeers } from "../lib/peers.ts";

const PROGRAM = commandOf("node", "dist/pshim6.mjs").argv;
const IPV6 = 40;
const SHIM6 = 140;
const TCP = 6;
const PAYLOAD_HEADER = 8;
const NODES = twoSites().nodes.length;

async function runLab(...words: string[]): Promise<{ code: number; report: PassReport; notes: string }> {
  const host = await testHost();
  const { code, stdout, stderr } = await host.processes.run([...PROGRAM, "lab", "--once", "--json", "--seconds", "2", ...words], {
    timeout: 120_000,
  });
  assert.is(stdout.trim().split("\n").length, 1, `one line on standard output, not ${stdout}; ${stderr}`);
  return { code, report: JSON.parse(stdout), notes: stderr };
}

function assertOutlived(report: PassReport, notes: string): void {
  assert.ok(report.ok, `${JSON.stringify(report)}\n${notes}`);
  assert.is(report.contentOk, true);
  assert.is(report.contextsLeft, 0);
  const [dies, , unplugged] = report.events;
  assert.equal([dies.name, dies.from, dies.to], ["isp1-dies", "isp1", "isp2"]);
  assert.equal([unplugged.name, unplugged.from, unplugged.to], ["isp2-unplugged", "isp2", "isp1"]);
  assert.ok(report.octets > 10_000_000);
}

if (havePeers("root", "ip", "tshark", "tcpdump", "python3")) {
  const directory = mkdtempSync(join(tmpdir(), "pshim6-lab-"));
  const wires = twoSites()
    .cables.filter((cable) => cable.wire)
    .map(({ ends: [end] }) => join(directory, `${end.node}-${end.as}.pcap`));
  let hosts: { h1: Address; h2: Address };

  test("the connection outlives both failures, boxes on Node and Bun", async () => {
    const { code, report, notes } = await runLab("--runtime-a", "node", "--runtime-b", "bun", "--capture", directory);
    assertOutlived(report, notes);
    assert.is(code, 0);
    assert.equal([report.runtimeA, report.runtimeB], ["node", "bun"]);
    hosts = { h1: address(report.hosts.h1), h2: address(report.hosts.h2) };
    assert.match(notes, new RegExp(`h1 asked for h2.beta.example and was told ${hosts.h2} `));
    assert.ok(contains(ALPHA.subnet, hosts.h1) && contains(BETA.subnet, hosts.h2));
  });

  test("every Shim6 packet on every wire is right octet by octet", () => {
    const judge = spawnSync("python3", [join(PROJECT, "tests/lib/judge/shim6judge.py"), ...wires], { encoding: "utf8" });
    assert.is(judge.status, 0, judge.stdout.slice(-2000) + judge.stderr);
    const [, packets, control] = /packets, (\d+) shim6, (\d+) control, 0 faults\s*$/.exec(judge.stdout) ?? [];
    assert.ok(Number(packets) > 10_000, judge.stdout);
    assert.ok(Number(control) > 8, "I1, R1, I2, R2 and the probes of two failures, at both ends");
  });

  test("nothing on a wire is malformed to tshark", () => {
    for (const file of wires) assert.is(tshark(file, "_ws.malformed && !(shim6.p == 0)"), "", file);
  });

  test("wires carry locators only, each provider its own, in packets of at most 1500 octets", () => {
    for (const file of wires) {
      const provider = ALPHA.providers.find(({ name, interface: device }) => file.includes(name) || file.includes(device));
      for (const packet of readIpv6(file)) {
        assert.ok(packet.length <= WIRE_MTU, `${file}: ${packet.length} octets`);
        if (packet[6] !== SHIM6) continue;
        const ends = [addressAt(packet, 8), addressAt(packet, 24)];
        const near = ends.find((end) => !BETA.providers.some(({ prefix }) => contains(prefix, end)));
        const allowed = provider === undefined ? ALPHA.providers : [provider];
        assert.ok(near !== undefined && allowed.some(({ prefix }) => contains(prefix, near)), `${file}: ${ends.join(" > ")}`);
      }
    }
  });

  test("a payload packet names its context and holds the host's own TCP, checksum over ULIDs", () => {
    const tags = new Map<Address, number>();
    let seen = 0;
    for (const file of wires) {
      for (const packet of readIpv6(file)) {
        if (packet[6] !== SHIM6 || (packet[IPV6 + 2] & 0x80) === 0) continue;
        const outwards = BETA.providers.some(({ prefix }) => contains(prefix, addressAt(packet, 24)));
        const [source, destination] = outwards ? [hosts.h1, hosts.h2] : [hosts.h2, hosts.h1];
        const sites = outwards ? [ALPHA, BETA] : [BETA, ALPHA];
        const locators = sites.map(({ providers }, i) => providers.map(({ prefix }) => withPrefix(prefix, [source, destination][i])));
        assert.ok(locators[0].includes(addressAt(packet, 8)) && locators[1].includes(addressAt(packet, 24)));
        assert.equal([packet[IPV6], packet[IPV6 + 1]], [TCP, 0], "next header, length");
        const tag = u48(packet, IPV6 + 2) - 2 ** 47;
        assert.is(tags.get(destination) ?? tag, tag, "one context, one tag a direction");
        tags.set(destination, tag);
        assert.is(tcpSum(packet.subarray(IPV6 + PAYLOAD_HEADER), source, destination), 0xffff, `${file}: TCP checksum`);
        seen++;
      }
    }
    assert.ok(seen > 10_000);
    assert.is(new Set(tags.values()).size, 2, "each box chose its own tag");
  });

  test("the hosts began with nothing: DHCPv6 on each LAN, names over the wires", () => {
    for (const file of ["h1-lan.pcap", "h2-lan.pcap"])
      assert.is.not(tshark(join(directory, file), "dhcpv6.msgtype == 7"), "", `${file}: a Reply`);
    const far = join(directory, "boxB-up3.pcap");
    assert.is.not(tshark(far, 'dns.qry.name matches "(?i)^h2.beta.example$" && dns.qry.type == 65280 && dns.flags.response == 1'), "");
  });

  test("on the LANs there is plain TCP between ULIDs, and what came through both boxes has right checksums", () => {
    for (const [file, arrived] of [
      ["h2-lan.pcap", hosts.h1],
      ["h1-lan.pcap", hosts.h2],
    ]) {
      const path = join(directory, file);
      assert.is(tshark(path, "_ws.malformed || shim6"), "", file);
      assert.is.not(tshark(path, `ipv6.src == ${arrived} && tcp.checksum.status == 1`, 100), "", `${file}: none came through`);
      let joined = 0;
      readIpv6(path).forEach((packet, frame) => {
        if (addressAt(packet, 8) !== arrived || isSumRight(packet)) return;
        assert.ok(isPartialRight(packet), `${file}, IPv6 packet ${frame}: neither a whole checksum nor the pseudo-header's part`);
        joined++;
      });
      assert.ok(arrived === hosts.h2 || joined > 0, `${file}: no segments were joined`);
    }
    rmSync(directory, { recursive: true, force: true });
  });
}

if (havePeers("root", "ip")) {
  test("the same with a box on Deno", async () => {
    const { code, report, notes } = await runLab("--runtime-a", "deno", "--runtime-b", "node");
    assertOutlived(report, notes);
    assert.is(code, 0);
  });

  test("Ctrl-C ends a lab that goes on and on, and leaves nothing", async () => {
    const host = await testHost();
    const notes: string[] = [];
    const lab = host.processes.spawn([...PROGRAM, "lab", "--seconds", "2"], {
      line: (text) => notes.push(text),
      complaint: (text) => notes.push(text),
    });
    for (let waited = 0; !notes.some((note) => note.includes("connected")); waited += 20) {
      assert.ok(waited < 60_000, notes.join("\n"));
      await host.sleep(20);
    }
    const ours = () => (host.files.list("/run/netns") ?? []).filter((name) => name.startsWith(`pshim6-${lab.pid}-`));
    assert.is(ours().length, NODES);
    host.processes.kill(lab.pid, "SIGINT");
    assert.is(await lab.ended, 0, notes.join("\n"));
    assert.equal(ours(), []);
    assert.not((host.files.list("/run/pshim6-lab") ?? []).some((name) => name.startsWith(`${lab.pid}-`)));
  });
}

/** Frame numbers of the first `most` packets that `filter` fits; checksums are verified. */
function tshark(file: string, filter: string, most = 3): string {
  const words = ["-r", file, "-o", "tcp.check_checksum:TRUE", "-Y", filter, "-T", "fields", "-e", "frame.number"];
  const { status, stdout, stderr } = spawnSync("tshark", words, { encoding: "utf8", maxBuffer: 1 << 26 });
  assert.is(status, 0, stderr);
  return stdout.trim().split("\n").slice(0, most).join(" ");
}

/** The sum of pseudo-header and segment; 0xffff when the checksum in it is right (RFC 8200 §8.1). */
function tcpSum(segment: Uint8Array, source: Address, destination: Address): number {
  let sum = segment.length + TCP;
  const add = (octets: Uint8Array) => {
    for (let i = 0; i + 1 < octets.length; i += 2) sum += u16(octets, i);
    if (octets.length % 2 === 1) sum += octets[octets.length - 1] << 8;
  };
  add(addressOctets(source));
  add(addressOctets(destination));
  add(segment);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return sum;
}

test.run();
