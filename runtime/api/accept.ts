/** What a client takes (RFC 9110 §12.5.1). */
import { refuse } from "./problem.ts";

/** The one of `types` that the client wants most, the first of those that it wants alike; `undefined` = it takes none. */
export function chosen<Type extends string>(accept: string | undefined, types: readonly Type[]): Type | undefined {
  if (accept === undefined || accept.trim() === "") return types[0];
  const ranges = accept.split(",").map(readRange);
  let best: Type | undefined;
  let weight = 0;
  for (const type of types) {
    // The closest range decides about a type.
    const fit = ranges.filter(({ range }) => matches(range, type)).sort((a, b) => closeness(b.range) - closeness(a.range))[0];
    if (fit === undefined || fit.weight <= weight) continue;
    best = type;
    weight = fit.weight;
  }
  return best;
}

/** The answer to a client that takes nothing that there is. */
export function notAcceptable(types: readonly string[]): Response {
  return refuse(406, `this is ${types.join(" or ")}`);
}

function readRange(text: string): { range: string; weight: number } {
  const [range, ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const said = parameters.find((part) => part.startsWith("q="));
  const weight = said === undefined ? 1 : Number(said.slice(2));
  return { range, weight: Number.isFinite(weight) ? weight : 0 };
}

function matches(range: string, type: string): boolean {
  return range === "*/*" || range === type || (range.endsWith("/*") && type.startsWith(range.slice(0, -1)));
}

function closeness(range: string): number {
  return range === "*/*" ? 0 : range.endsWith("/*") ? 1 : 2;
}
