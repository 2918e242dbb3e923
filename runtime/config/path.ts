/** Where a value stands in site.yaml: names of settings and numbers of list entries, from the outside in. */
export type Path = readonly (string | number)[];

/** `["providers", 1, "prefix"]` → `providers[1].prefix`. */
export function showPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/** The value under `path` in `root`, own properties only; `undefined` if there is none. */
export function dig(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}
