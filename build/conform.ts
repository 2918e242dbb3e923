/**
 * The pages of docs/conformance: each row has an id, its section, what is asked, and the tests that show it or why none does. Proves
 * that ids count up within their section, that no cell is empty, and that every test named is in the file named.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PAGES = "docs/conformance";
const HEAD = "| id | § | what is asked | where it is shown |";
/** `tests/…/x.test.ts: beginning of a title`; several in a cell are apart by `<br>`. */
const NAMED_TEST = /^(tests\/[\w./-]+\.ts): (.+)$/;

/** Faults of all pages below `root`, each with page and line. */
export function checkConformance(root: string): string[] {
  const faults: string[] = [];
  const sources = new Map<string, string | undefined>();
  const sourceOf = (file: string): string | undefined => {
    if (!sources.has(file)) sources.set(file, existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : undefined);
    return sources.get(file);
  };
  const pages = readdirSync(join(root, PAGES)).filter((name) => name.endsWith(".md") && name !== "README.md");
  const ids = new Set<string>();
  for (const name of pages) {
    const lines = readFileSync(join(root, PAGES, name), "utf8").split("\n");
    const start = lines.indexOf(HEAD);
    if (start < 0) faults.push(`${PAGES}/${name}: no table with the head ${HEAD}`);
    else checkRows(lines, start + 2, `${PAGES}/${name}`, { ids, sourceOf, fault: (text) => faults.push(text) });
  }
  return faults;
}

interface Findings {
  /** Of all pages: an id names one row. */
  readonly ids: Set<string>;
  readonly sourceOf: (file: string) => string | undefined;
  readonly fault: (text: string) => void;
}

function checkRows(lines: readonly string[], first: number, page: string, { ids, sourceOf, fault }: Findings): void {
  const counts = new Map<string, number>();
  let rows = 0;
  for (let i = first; lines[i]?.startsWith("|"); i++) {
    rows++;
    const where = `${page}:${i + 1}`;
    const cells = lines[i]
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (cells.length !== 4 || cells.includes("")) {
      fault(`${where}: four cells, none of them empty, are wanted`);
      continue;
    }
    const [id, section, , shown] = cells;
    const number = (counts.get(section) ?? 0) + 1;
    counts.set(section, number);
    if (!id.endsWith(`-${section}-${number}`)) fault(`${where}: ${id} should end in ${section}-${number}`);
    if (ids.has(id)) fault(`${where}: ${id} is there already`);
    ids.add(id);
    for (const item of shown.split("<br>")) checkTest(item, where, sourceOf, fault);
  }
  if (rows === 0) fault(`${page}: the table is empty`);
}

/** A named test that is not there; sentences are left to people. */
function checkTest(item: string, where: string, sourceOf: Findings["sourceOf"], fault: Findings["fault"]): void {
  const named = NAMED_TEST.exec(item);
  if (named === null) {
    if (item.startsWith("tests/")) fault(`${where}: \`${item}\` names no test: file, colon, title`);
    return;
  }
  const [, file, title] = named;
  const source = sourceOf(file);
  if (source === undefined) fault(`${where}: there is no ${file}`);
  else if (![`"${title}`, `'${title}`, `\`${title}`].some((quoted) => source.includes(quoted)))
    fault(`${where}: ${file} has no test \`${title}\``);
}
