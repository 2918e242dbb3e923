/** Which line of site.yaml says something: for whoever explains what a running box does. */
import { dig, type Path } from "./path.ts";
import { readSource } from "./source.ts";

/** Finds the line, from 1, of what stands under a path in `text`; `undefined` where nothing does. Reads the text when it is first asked. */
export function lineFinder(text: string): (path: Path) => number | undefined {
  let source: ReturnType<typeof readSource> | undefined;
  return (path) => {
    source ??= readSource(text);
    return source.broken || dig(source.value, path) === undefined ? undefined : source.fault(path, "", "").line;
  };
}
