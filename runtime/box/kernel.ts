/** The egress plan carried out: `ip` and sysctls of the machine we run on. */
import type { Site } from "../config/site.ts";
import type { Command } from "../port/command.ts";
import { PortError } from "../port/error.ts";
import type { Files } from "../port/files.ts";
import type { EgressPlan, Sysctl } from "./egress.ts";
import { setUpTunnels, takeDownTunnels } from "./tunnels.ts";

/** What it takes. */
export interface KernelTools {
  readonly command: Command;
  readonly files: Files;
}

/** One run of `ip` for everything: what a killed box left goes first, removal of nothing is no error. @throws {PortError} */
export function setUpEgress(site: Site, plan: EgressPlan, { command, files }: KernelTools): void {
  setUpTunnels(site, command);
  for (const sysctl of plan.sysctls) setSysctl(sysctl, files);
  addLines(site, [...plan.down, ...plan.up], command);
}

/** Writes a setting; what has its value already is left, so that one that may not be written can be made before. @throws {PortError} naming it */
export function setSysctl({ key, value }: Sysctl, files: KernelTools["files"]): void {
  const path = sysctlPath(key);
  const now = files.readText(path)?.trim();
  if (now === value) return;
  try {
    files.poke(path, value);
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    // With 1 the kernel takes no advertisements either, as long as it forwards (Documentation/networking/ip-sysctl).
    if (key.endsWith(".accept_ra") && now === "1") return;
    throw new PortError(
      error.code,
      `sysctl ${key} cannot be set to ${value}: set it before the box starts (docs/install.md); ${error.message}`,
      error,
    );
  }
}

/** Removes everything that {@link setUpEgress} brought, as far as it is there. */
export function takeDownEgress(site: Site, plan: EgressPlan, command: Command): void {
  removeLines(plan.down, command);
  takeDownTunnels(site, command);
}

/** Carries out `lines` up to the first that the kernel refuses. @throws {PortError} which one, or which interface is missing */
export function addLines(site: Site, lines: readonly string[], command: Command): void {
  const done = command.run("ip", ["-6", "-batch", "-"], joined(lines));
  if (done.code === 0) return;
  checkInterfaces(site, command);
  throw new PortError("failed", `the kernel refuses a route or rule: ${firstLine(done.stderr)}`);
}

/** Carries out all of `lines`, whatever the kernel says to each: what is to go may be gone. */
export function removeLines(lines: readonly string[], command: Command): void {
  if (lines.length > 0) command.run("ip", ["-6", "-force", "-batch", "-"], joined(lines));
}

/** @throws {PortError} naming every interface of the settings that there is not. */
export function checkInterfaces(site: Site, command: Command): void {
  const { stdout } = command.run("ip", ["-j", "link", "show"]);
  const links: unknown = stdout.trim() === "" ? [] : JSON.parse(stdout);
  const names = new Set(
    Array.isArray(links)
      ? links.map((link: unknown) => (typeof link === "object" && link !== null ? Reflect.get(link, "ifname") : undefined))
      : [],
  );
  const wanted = [
    { name: site.lan.interface, of: "lan" },
    ...site.providers.map((provider) => ({ name: provider.interface, of: `provider ${provider.name}` })),
  ];
  const missing = wanted.filter(({ name }) => !names.has(name));
  if (missing.length > 0)
    throw new PortError(
      "missing",
      `there is no interface ${missing.map(({ name, of }) => `${name} (${of})`).join(", ")}: correct site.yaml, or make it first; \`ip link\` lists those there are`,
    );
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "ip gave no reason";
}

/** `net.ipv6.conf.eth0/1.accept_ra` → `/proc/sys/net/ipv6/conf/eth0.1/accept_ra`. */
function sysctlPath(key: string): string {
  return `/proc/sys/${key.replace(/[./]/g, (mark) => (mark === "." ? "/" : "."))}`;
}
