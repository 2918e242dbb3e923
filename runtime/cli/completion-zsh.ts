/** The completion script for zsh. */
import { everyVerb, type ValueKind, type VerbNode, valuePlaces } from "./tree.ts";

/** The script for `program`. */
export function zshScript(program: VerbNode): string {
  const verbs = everyVerb(program);
  const tables = verbs.map(({ path, verbs: under, options }) => {
    const subs = under.map((verb) => quoted(`${verb.path.at(-1)}:${colons(verb.summary)}`)).join(" ");
    const flags = options.flatMap(({ names, description }) => names.map((name) => quoted(`${name}:${colons(description)}`))).join(" ");
    const takers = options.flatMap(({ names, value, optional }) => (value === undefined || optional ? [] : names)).join(" ");
    return `    ${quoted(path.join(" "))}) subs=(${subs}) flags=(${flags}) takers=(${takers}) ;;`;
  });
  return `${HEAD}${tables.join("\n")}
  esac
}
_pshim6_value() {
  case "$1" in
${valueCases(verbs).join("\n")}
  esac
}
if [[ $funcstack[1] == _pshim6 ]]; then
  _pshim6 "$@"
elif (( $+functions[compdef] )); then
  compdef _pshim6 pshim6
fi
`;
}

function valueCases(verbs: readonly VerbNode[]): string[] {
  return valuePlaces(verbs).flatMap(([place, value]) => {
    const action = actionOf(value);
    return action === undefined ? [] : [`    ${quoted(place)}) ${action} ;;`];
  });
}

function actionOf(value: ValueKind): string | undefined {
  switch (value.kind) {
    case "words":
      return `compadd -- ${value.words.map(quoted).join(" ")}`;
    case "file":
      return "_files";
    case "directory":
      return "_files -/";
    case "provider":
      return `compadd -- \${(f)"$($words[1] completion providers $box 2>/dev/null)"}`;
    case "other":
      return undefined;
  }
}

/** A colon ends the name in \`name:description\`; later ones are text. */
function colons(text: string): string {
  return text.replaceAll("\n", " ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const HEAD = `#compdef pshim6
# Completion of pshim6 for zsh, made by: pshim6 completion zsh
_pshim6() {
  local verb= word last= i args=0
  local -a subs flags takers box
  _pshim6_verb
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if [[ -n $last ]]; then
      case $last in (-c|--config|--socket) box=($last $word) ;; esac
      last=
    elif [[ $word == -* ]]; then
      (( $takers[(Ie)$word] )) && last=$word
    elif (( $subs[(I)\${(b)word}:*] )); then
      verb="\${verb:+$verb }$word" args=0
      _pshim6_verb
    else
      (( args += 1 ))
    fi
  done
  if [[ -n $last ]]; then
    _pshim6_value "\${verb:+$verb }$last"
  elif [[ $words[CURRENT] == -* ]]; then
    _describe -o option flags
  elif (( $#subs )); then
    _describe verb subs
  else
    _pshim6_value "\${verb:+$verb }#$args"
  fi
}
_pshim6_verb() {
  case "$verb" in
`;
