/** The command line as data, read off the same objects that parse it: what help prints, completion and the manual page are made of. */
import type { Argument, Command, Option } from "commander";

/** What a value is, as far as a shell can help with it. */
export type ValueKind =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" | "directory" | "provider" | "other" };

/** An argument of a verb. */
export interface ArgumentNode {
  /** As usage shows it: `<id>`, `[name]`. */
  readonly shown: string;
  readonly description: string;
  readonly value: ValueKind;
}

/** An option of a verb. */
export interface OptionNode {
  /** `-c, --config <file>`. */
  readonly flags: string;
  /** `-c`, `--config`. */
  readonly names: readonly string[];
  readonly description: string;
  /** What stands behind it; absent = nothing. */
  readonly value?: ValueKind;
  /** The value may be missing. */
  readonly optional: boolean;
}

/** A verb with all that is under it. */
export interface VerbNode {
  /** Words behind the program's name; none = the program itself. */
  readonly path: readonly string[];
  readonly usage: string;
  readonly summary: string;
  readonly description: string;
  readonly arguments: readonly ArgumentNode[];
  readonly options: readonly OptionNode[];
  readonly examples: readonly string[];
  readonly verbs: readonly VerbNode[];
}

/** `command` and all verbs under it that help shows. */
export function treeOf(command: Command, path: readonly string[] = []): VerbNode {
  const help = command.createHelp();
  return {
    path,
    usage: command.usage(),
    summary: command.summary() || command.description(),
    description: command.description(),
    arguments: command.registeredArguments.map((argument) => argumentNode(argument, path)),
    options: help.visibleOptions(command).map(optionNode),
    examples: examplesOf(command),
    // Each verb with verbs under it has "help" too: once is enough.
    verbs: help
      .visibleCommands(command)
      .filter((verb) => path.length === 0 || verb.name() !== "help")
      .map((verb) => treeOf(verb, [...path, verb.name()])),
  };
}

/** `node` and all verbs under it, each before those under it. */
export function everyVerb(node: VerbNode): VerbNode[] {
  return [node, ...node.verbs.flatMap(everyVerb)];
}

/** What stands where: by `<verb> <flag>`, and by `<verb> #<n>` for its argument n, counted from 0. */
export function valuePlaces(verbs: readonly VerbNode[]): (readonly [place: string, value: ValueKind])[] {
  return verbs.flatMap(({ path, options, arguments: words }) => [
    ...options.flatMap(({ names, value }) => (value === undefined ? [] : names.map((name) => [[...path, name].join(" "), value] as const))),
    ...words.map(({ value }, place) => [[...path, `#${place}`].join(" "), value] as const),
  ]);
}

function argumentNode(argument: Argument, path: readonly string[]): ArgumentNode {
  const name = argument.name();
  const dots = argument.variadic ? "..." : "";
  return {
    shown: argument.required ? `<${name}${dots}>` : `[${name}${dots}]`,
    description: withChoices(argument.description, argument.argChoices),
    // What the verbs under `provider` call a name is a provider's.
    value: valueKind(name === "name" && path[0] === "provider" ? "provider" : name, argument.argChoices),
  };
}

function optionNode(option: Option): OptionNode {
  const name = /[<[]([^\]>.]+)/.exec(option.flags)?.[1];
  const standard =
    option.defaultValue === undefined || typeof option.defaultValue === "boolean" ? "" : ` (default: ${option.defaultValue})`;
  return {
    flags: option.flags,
    names: [option.short, option.long].filter((each) => each !== undefined),
    description: withChoices(option.description, option.argChoices) + standard,
    ...(name === undefined ? {} : { value: valueKind(name, option.argChoices) }),
    optional: option.optional,
  };
}

function withChoices(description: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? description : `${description} (one of: ${choices.join(", ")})`;
}

function valueKind(name: string, choices: readonly string[] | undefined): ValueKind {
  if (choices !== undefined) return { kind: "words", words: choices };
  if (name === "file" || name === "path") return { kind: "file" };
  return name === "directory" || name === "provider" ? { kind: name } : { kind: "other" };
}

/** The lines under "Examples:" behind the verb's help. */
function examplesOf(command: Command): string[] {
  const before = command.configureOutput();
  let text = "";
  command.configureOutput({
    ...before,
    writeOut: (piece) => {
      text += piece;
    },
  });
  command.outputHelp();
  command.configureOutput(before);
  const [, lines = ""] = text.split("\nExamples:\n");
  return lines.split("\n").flatMap((line) => (line.startsWith("  ") ? [line.slice(2)] : []));
}
