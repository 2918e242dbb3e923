/**
 * One box as its operator meets it: start, stop, kill -9, a second one, a world that lacks something, hostile packets. In
 * a network namespace of its own, without hosts:
 *
 *     lan ── [ box: pshim0 ] ── up1 (isp1), up2 (isp2)        inj0: a TUN from which the kernel routes what we write
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openTun } from "../../adapters/common/tun.ts";
import { VIRTIO_HEADER } from "../../adapters/linux/tun.ts";
import { loadLibc, runtimeName } from "../../adapters/platform.ts";
import { selfWords } from "../../adapters/self.ts";
import { counterRows, statusRow } from "../../runtime/api/rows.ts";
import { unhex } from "../../runtime/value/bytes.ts";
import { insideNamespace } from "../lib/netns.ts";

const BUNDLE = new URL("../../dist/pshim6.mjs", import.meta.url);
const PATIENCE_MS = 20_000;
const OURS = "140";

interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly complaint: string;
}

/** A box that said it is ready. */
interface Started {
  readonly process: ChildProcess;
  readonly line: string;
  readonly ended: Promise<Finished>;
}

const scratch = mkdtempSync(join(tmpdir(), "pshim6-box-"));
const [program, ...words] = selfWords(BUNDLE.href, runtimeName(), runtimeName());

function siteFile(name: string, change: (text: string) => string = (text) => text): string {
  const path = join(scratch, `${name}.yaml`);
  writeFileSync(
    path,
    change(`site: alpha
ulid: { prefix: "fc00:aaaa:1::/48", generic: "fc00::/7" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, gateway: "2001:db8:f1::1", priority: 10, weight: 60 }
  - { name: isp2, prefix: "2001:db8:b3::/48", interface: up2, gateway: "2001:db8:f2::1", priority: 10, weight: 40 }
bindings:
  - { ulid: "fc00:bbbb:1::10", locators: ["2001:db8:c3::10"] }
links: { gateway: { watch: false } } # there is none
key: { bits: 1024 }
state: ${scratch}/state
control: ${scratch}/control.sock
`),
  );
  return path;
}

function ip(...args: string[]): string {
  const done = spawnSync("ip", args, { encoding: "utf8" });
  return done.stdout + done.stderr;
}

function launch(
  args: readonly string[],
  options: SpawnOptions = {},
): { child: ChildProcess; ended: Promise<Finished>; firstLine: Promise<string> } {
  const child = spawn(program, [...words, ...args], { stdio: ["ignore", "pipe", "pipe"], ...options });
  let out = "";
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const lines = child.stdout === null ? undefined : createInterface({ input: child.stdout });
  const firstLine = new Promise<string>((resolve) => {
    lines?.on("line", (line) => {
      out += `${line}\n`;
      resolve(line);
    });
    lines?.on("close", () => resolve(""));
  });
  const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const ended = once(child, "close").then(([code]: unknown[]) => {
    clearTimeout(late);
    return { code: typeof code === "number" ? code : null, out, complaint };
  });
  return { child, ended, firstLine };
}

async function start(file: string): Promise<Started> {
  const { child, ended, firstLine } = launch(["run", "-c", file, "--log-level", "warn"]);
  const line = await firstLine;
  if (!line.startsWith("ready")) throw new Error(`not ready: ${(await ended).complaint}`);
  return { process: child, line, ended };
}

async function stop(box: Started, signal: NodeJS.Signals = "SIGTERM"): Promise<Finished> {
  box.process.kill(signal);
  return box.ended;
}

async function refusal(args: readonly string[], options: SpawnOptions = {}): Promise<string> {
  const { ended } = launch(args, options);
  const { code, out, complaint } = await ended;
  assert.is(code, 1, complaint);
  assert.is(out, "");
  const said = complaint.trim().split("\n");
  assert.is(said.length, 1, complaint);
  assert.match(said[0], /^pshim6: /);
  return said[0];
}

function leftovers(): string[] {
  const rules = ip("-6", "rule", "show").split("\n");
  const routes = ip("-6", "route", "show", "table", "all").split("\n");
  return [...rules, ...routes].filter((line) => line.includes(`proto ${OURS}`));
}

async function counters(file: string): Promise<Record<string, number>> {
  const { ended } = launch(["show", "counters", "-c", file, "--json"]);
  const shown: unknown = JSON.parse((await ended).out);
  return counterRows.parse(shown);
}

if (insideNamespace(fileURLToPath(import.meta.url))) {
  test.before(() => {
    ip("link", "set", "lo", "up");
    for (const name of ["lan", "up1", "up2"]) {
      ip("link", "add", name, "type", "veth", "peer", "name", `${name}-far`);
      ip("link", "set", name, "up");
      ip("link", "set", `${name}-far`, "up");
    }
  });
  test.after(() => rmSync(scratch, { recursive: true, force: true }));

  test("ready, then SIGTERM: routes, rules, device and socket are gone, exit 0", async () => {
    const file = siteFile("plain");
    const box = await start(file);
    assert.match(box.line, /^ready alpha on (node|deno|bun) /);
    assert.ok(leftovers().length > 5);
    assert.match(ip("link", "show", "pshim0"), /mtu 1500/);
    const { code, complaint } = await stop(box);
    assert.is(code, 0, complaint);
    assert.equal(leftovers(), []);
    assert.match(ip("link", "show", "pshim0"), /does not exist/);
    assert.is(statSync(join(scratch, "control.sock"), { throwIfNoEntry: false }), undefined);
  });

  test("kill -9: the next one starts over what is left, with the same key, in a file of mode 0600", async () => {
    const file = siteFile("plain");
    const key = join(scratch, "state", "site-key.pem");
    const first = await start(file);
    const before = readFileSync(key, "utf8");
    assert.is((await stop(first, "SIGKILL")).code, null);
    assert.ok(leftovers().length > 0, "a killed box leaves rules: that is what this test is about");
    const second = await start(file);
    assert.is(readFileSync(key, "utf8"), before);
    assert.is(statSync(key).mode & 0o777, 0o600);
    const doubled = ip("-6", "rule", "show")
      .split("\n")
      .filter((line) => line.includes("iif pshim0 lookup 14000"));
    assert.is(doubled.length, 1);
    await stop(second);
    assert.equal(leftovers(), []);
  });

  test("a second box is refused and the first goes on", async () => {
    const file = siteFile("plain");
    const first = await start(file);
    assert.match(await refusal(["run", "-c", file]), /pshim0 is in use by another process/);
    const other = siteFile("other", (text) => `${text}tun: { name: pshim1 }\n`);
    assert.match(await refusal(["run", "-c", other]), /another pshim6/);
    const { ended } = launch(["show", "status", "-c", file, "--json"]);
    assert.is(statusRow.parse(JSON.parse((await ended).out)).site, "alpha");
    assert.is((await stop(first)).code, 0);
  });

  test("an interface is missing", async () => {
    const file = siteFile("noif", (text) => text.replace("interface: up2", "interface: up9"));
    assert.match(await refusal(["run", "-c", file]), /no interface up9 \(provider isp2\): correct site\.yaml/);
    assert.equal(leftovers(), []);
  });

  test("no privilege", async () => {
    const home = join(scratch, "nobody");
    mkdirSync(home, { mode: 0o755 });
    const file = siteFile("nobody", (text) => text.replaceAll(`${scratch}/`, `${home}/`));
    const wrapped = spawnSync("setpriv", ["--bounding-set=-net_admin", "--inh-caps=-net_admin", program, ...words, "run", "-c", file], {
      encoding: "utf8",
    });
    assert.is(wrapped.status, 1);
    assert.match(wrapped.stderr, /^pshim6: .*(EPERM|EACCES).*run as root or with CAP_NET_ADMIN\n$/);
  });

  test("no /dev/net/tun", async () => {
    const file = siteFile("plain");
    const hide = ["--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh", program, ...words, "run", "-c", file];
    const wrapped = spawnSync("unshare", hide, { encoding: "utf8" });
    assert.is(wrapped.status, 1);
    assert.match(wrapped.stderr, /^pshim6: \/dev\/net\/tun is missing: load the module/);
  });

  test("no ip", async () => {
    const file = siteFile("plain");
    assert.match(
      await refusal(["run", "-c", file], { env: { ...process.env, PATH: "/nonexistent" } }),
      /`ip` is missing: install .*iproute2/,
    );
  });

  test("a bad site.yaml: every mistake, exit 1", async () => {
    const file = siteFile("bad", (text) => text.replace("site: alpha", "site: Alpha").replace("up1", "").replace("/48", "/47x"));
    const { ended } = launch(["run", "-c", file]);
    const { code, complaint } = await ended;
    assert.is(code, 1);
    assert.match(complaint, /3 mistakes/);
  });

  test("hostile packets are counted by reason and harm nothing", async () => {
    const file = siteFile("plain");
    const box = await start(file);
    const libc = await loadLibc();
    const tun = openTun(libc, { name: "inj0", queues: 1 });
    ip("link", "set", "inj0", "up");
    const buffer = new SharedArrayBuffer(4096);
    const calls = libc.onMemory(buffer);
    const vectors = JSON.parse(readFileSync(new URL("../vector/vectors.json", import.meta.url), "utf8")) as { kind: string; hex: string }[];
    const packets = vectors
      .filter(({ kind }) => kind === "malformed" || kind === "packet" || kind === "lenient")
      .map(({ hex }) => unhex(hex) ?? new Uint8Array());
    let written = 0;
    for (let round = 0; round < 20; round++) {
      for (const packet of packets) {
        const view = new Uint8Array(buffer);
        view.fill(0, 0, VIRTIO_HEADER);
        view.set(packet, VIRTIO_HEADER);
        if (round > 0) view[VIRTIO_HEADER + 40 + ((round * 7) % Math.max(1, packet.length - 40))] ^= 1 << (round % 8);
        if (calls.write(tun.queues[0], 0, VIRTIO_HEADER + packet.length) >= 0) written++;
      }
    }
    tun.close();
    assert.ok(written > packets.length);
    const seen = await counters(file);
    const named = Object.entries(seen).filter(([name, value]) => name.startsWith("drop-") && value > 0);
    assert.ok(named.length >= 5, JSON.stringify(named));
    const { ended } = launch(["show", "contexts", "-c", file, "--json"]);
    assert.match((await ended).out, /\[\s*\]/);
    const { code, complaint } = await stop(box);
    assert.is(code, 0);
    assert.is(complaint, "");
  });

  test.run();
}
