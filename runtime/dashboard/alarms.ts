/** What somebody who does not look should hear: lines and paths that die and come back. */
import type { PathRow, ProviderRow } from "../api/rows.ts";

/** As much of the site as alarms are about. */
export interface Watched {
  readonly providers: readonly ProviderRow[];
  readonly paths: readonly PathRow[];
}

/** Sentences for what is different between two looks. */
export function alarmsOf(before: Watched, after: Watched): string[] {
  const was = new Map(before.providers.map((row) => [row.name, row]));
  const told: string[] = [];
  for (const provider of after.providers) {
    const old = was.get(provider.name);
    if (old === undefined) continue;
    if (old.state !== provider.state) told.push(`${provider.name} is ${provider.state}`);
    if (old.broken !== provider.broken) told.push(`${provider.name} is ${provider.broken ? "taken for dead" : "no longer taken for dead"}`);
    if (old.drained !== provider.drained) told.push(`${provider.name} is ${provider.drained ? "drained" : "in use again"}`);
  }
  for (const { name } of after.providers) {
    const [poor, had] = [poorOf(name, after.paths), poorOf(name, before.paths)];
    if (poor > had) told.push(`${name}: ${poor} ${poor === 1 ? "path works" : "paths work"} badly`);
  }
  for (const provider of after.providers) {
    const [lost, had] = [lostOf(provider.name, after.paths), lostOf(provider.name, before.paths)];
    if (lost > had) told.push(`${provider.name}: ${lost} ${lost === 1 ? "path is" : "paths are"} lost`);
    else if (lost < had) told.push(`${provider.name}: ${lost === 0 ? "no path is lost any more" : `${lost} paths are still lost`}`);
  }
  return told;
}

function poorOf(provider: string, paths: readonly PathRow[]): number {
  return paths.filter(({ localProvider, state, brownOut }) => localProvider === provider && state === "alive" && brownOut).length;
}

function lostOf(provider: string, paths: readonly PathRow[]): number {
  return paths.filter(({ localProvider, state }) => localProvider === provider && state === "lost").length;
}
