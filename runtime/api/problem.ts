/** How the API says no: problem details (RFC 9457), with the fields that are wrong. Nothing of the box's inside is told. */
import type { FieldFault, Problem } from "./rows.ts";

/** Statuses with which something is refused, and their titles (RFC 9110 §15). */
export const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;
export type Refusal = keyof typeof TITLES;

export const PROBLEM_TYPE = "application/problem+json";

/** Headers of every answer: nothing is kept by others, nothing is guessed, nobody may frame it. */
export const PLAIN_HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
} as const;

/** What an answer of refusal has besides its sentence. */
export interface RefusalExtras {
  /** In place of the status' own. */
  readonly title?: string;
  readonly errors?: readonly FieldFault[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that refuses. `detail` is a sentence for the one who asked. */
export function refuse(status: Refusal, detail: string, { title = TITLES[status], errors, headers }: RefusalExtras = {}): Response {
  const body: Problem = { type: "about:blank", title, status, detail, ...(errors === undefined ? {} : { errors: [...errors] }) };
  return new Response(JSON.stringify(body), { status, headers: { ...PLAIN_HEADERS, ...headers, "content-type": PROBLEM_TYPE } });
}

/** As much of a problem as zod says. */
interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

/** Fields in one refusal; who is wrong in more places hears of the others next time. */
const FAULTS_TOLD = 20;

/** What is wrong with `target` (`query`, `param`, `json`), field by field. */
export function faultsOf(target: string, issues: readonly Issue[]): FieldFault[] {
  const faults = issues.flatMap(({ path, message, keys }): FieldFault[] =>
    keys === undefined
      ? [{ pointer: pointerTo(target, path), detail: message }]
      : keys.map((key) => ({ pointer: pointerTo(target, [...path, key]), detail: "is not known here" })),
  );
  return faults.slice(0, FAULTS_TOLD);
}

/** A JSON pointer as a fragment of a URI (RFC 6901 §3, §6). */
function pointerTo(target: string, path: readonly PropertyKey[]): string {
  const steps = path.map((step) => encodeURIComponent(wellFormed(String(step)).replaceAll("~", "~0").replaceAll("/", "~1")));
  return `#/${[target, ...steps].join("/")}`;
}

/** Half a surrogate pair has no place in a URI. */
function wellFormed(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}
