/**
 * What the documentation tells readers to type. Commands stand in fences marked `sh`, settings in fences marked `yaml`; a comment on the
 * line above says when one is an exception, and why:
 *
 *     <!-- not run: needs systemd as the machine's first process -->
 *     <!-- interrupted: runs until somebody ends it -->
 *     <!-- not site.yaml: Prometheus' own -->
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A fence of a page. */
export interface Fence {
  /** Page and line, for failures. */
  readonly where: string;
  readonly language: string;
  readonly text: string;
  /** What the comment above says, if there is one. */
  readonly exception: Exception | undefined;
}

/** Why a fence is not run to its end as it stands. */
export interface Exception {
  readonly kind: "not run" | "interrupted" | "not site.yaml";
  readonly why: string;
}

const COMMENT = /^<!-- (not run|interrupted|not site\.yaml): (.+) -->$/;
/** What commands begin with: such lines outside of a fence would not be tried. */
const COMMAND = /^ {4}(?:\$ |[a-z]+\$ |(?:pshim6|npm|npx|node|deno|bun|bunx|curl|ip|nft|systemctl|sysctl|install|journalctl|dig|apt-get) )/;

/** Pages that speak to readers. Paths from the project's root. */
export function pages(root: string): string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" });
  return ["README.md", ...docs.filter((file) => file.endsWith(".md")).map((file) => `docs/${file}`)].sort();
}

/** The fences of a page. @throws when one does not end */
export function fencesOf(root: string, page: string): Fence[] {
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  const fences: Fence[] = [];
  for (let i = 0; i < lines.length; i++) {
    if (!lines[i].startsWith("```")) continue;
    const end = lines.indexOf("```", i + 1);
    if (end < 0) throw new Error(`${page}:${i + 1}: the fence does not end`);
    const [, kind, why] = COMMENT.exec(lines[i - 1] ?? "") ?? [];
    const exception = why === undefined ? undefined : { kind: kind as Exception["kind"], why };
    fences.push({ where: `${page}:${i + 1}`, language: lines[i].slice(3), text: lines.slice(i + 1, end).join("\n"), exception });
    i = end;
  }
  return fences;
}

/** Commands outside of fences: page, line and text. */
export function looseCommands(root: string, page: string): string[] {
  let fenced = false;
  return readFileSync(join(root, page), "utf8")
    .split("\n")
    .flatMap((line, i) => {
      if (line.startsWith("```")) fenced = !fenced;
      return !fenced && COMMAND.test(line) ? [`${page}:${i + 1}: ${line.trim()}`] : [];
    });
}
