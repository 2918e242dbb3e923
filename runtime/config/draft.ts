/** What checks between settings share: raw values read one by one, and where findings go. */
import type { z } from "zod";
import { covers, type Prefix } from "../value/prefix.ts";
import { dig, type Path } from "./path.ts";

/** Where findings go: a fault keeps the site from running, a warning does not. */
export interface Findings {
  fault(path: Path, message: string, hint: string): void;
  warning(path: Path, message: string, hint: string): void;
  /** Line of the value at `path`, for a finding that names another one. */
  lineOf(path: Path): number;
}

/** A value and where it stands. */
export interface At<T> {
  readonly value: T;
  readonly path: Path;
}

/** The value at `path` as `field` reads it; `undefined` if it is absent or wrong. */
export function at<T>(root: unknown, path: Path, field: z.ZodType<T>): At<T> | undefined {
  const read = field.safeParse(dig(root, path));
  return read.success ? { value: read.data, path } : undefined;
}

/** Paths of the entries of the list at `path`. */
export function entries(root: unknown, path: Path): Path[] {
  const list = dig(root, path);
  return Array.isArray(list) ? list.map((_, index) => [...path, index]) : [];
}

/** Whether two prefixes have an address in common. */
export function overlap(a: Prefix, b: Prefix): boolean {
  return covers(a, b) || covers(b, a);
}
