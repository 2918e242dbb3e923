/** The completion script for fish. */
import { everyVerb, type OptionNode, type ValueKind, type VerbNode } from "./tree.ts";

/** The script for `program`. */
export function fishScript(program: VerbNode): string {
  const verbs = everyVerb(program);
  const known = verbs.flatMap(({ path }) => (path.length === 0 ? [] : [quoted(path.join(" "))]));
  const takers = verbs.flatMap(({ path, options }) =>
    options.flatMap(({ names, value, optional }) =>
      value === undefined || optional ? [] : names.map((name) => quoted([...path, name].join(" "))),
    ),
  );
  return `# Completion of pshim6 for fish, made by: pshim6 completion fish
set -g __pshim6_verbs ${known.join(" ")}
set -g __pshim6_takers ${takers.join(" ")}
${FUNCTIONS}${verbs.flatMap(linesOf).join("\n")}
`;
}

function linesOf({ path, verbs, options, arguments: words }: VerbNode): string[] {
  const here = `complete -c pshim6 -n ${quoted(`__pshim6_is ${quoted(path.join(" "))}`)}`;
  return [
    ...verbs.map((verb) => `${here} -f -a ${quoted(verb.path.at(-1) ?? "")} -d ${quoted(verb.summary)}`),
    ...options.map((option) => `${here} ${flagsOf(option)} -d ${quoted(option.description)}`),
    ...words.slice(0, 1).map(({ value }) => `${here} ${offersOf(value)}`),
    ...(verbs.length === 0 && words.length === 0 ? [`${here} -f`] : []),
  ];
}

function flagsOf({ names, value, optional }: OptionNode): string {
  const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(" ");
  if (value === undefined) return flags;
  return `${flags} ${optional ? "" : "-r "}${offersOf(value)}`;
}

function offersOf(value: ValueKind): string {
  switch (value.kind) {
    case "words":
      return `-f -a ${quoted(value.words.join(" "))}`;
    case "file":
      return "-F";
    case "directory":
      return `-f -a '(__fish_complete_directories)'`;
    case "provider":
      return `-f -a '(__pshim6_providers)'`;
    case "other":
      return "-f";
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

const FUNCTIONS = `function __pshim6_verb
    set -l verb
    set -l skip 0
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
        else if string match -q -- '-*' $word
            contains -- (string trim -- "$verb $word") $__pshim6_takers; and set skip 1
        else if contains -- (string trim -- "$verb $word") $__pshim6_verbs
            set verb (string trim -- "$verb $word")
        end
    end
    echo $verb
end
function __pshim6_is
    test (__pshim6_verb)"" = "$argv[1]"
end
function __pshim6_providers
    set -l words (commandline -opc)
    set -l box
    for i in (seq 2 (math (count $words) - 1))
        contains -- $words[$i] -c --config --socket; and set box $words[$i] $words[(math $i + 1)]
    end
    command $words[1] completion providers $box 2>/dev/null
end
`;
