/** The completion script for bash. */
import { everyVerb, type ValueKind, type VerbNode, valuePlaces } from "./tree.ts";

/** The script for `program`. */
export function bashScript(program: VerbNode): string {
  const verbs = everyVerb(program);
  const tables = verbs.map(({ path, verbs: under, options }) => {
    const words = under.map(({ path: each }) => each.at(-1)).join(" ");
    const flags = options.flatMap(({ names }) => names).join(" ");
    const takers = options.flatMap(({ names, value, optional }) => (value === undefined || optional ? [] : names)).join(" ");
    return `    "${path.join(" ")}") subs="${words}" flags="${flags}" takers=" ${takers} " ;;`;
  });
  return `${HEAD}${tables.join("\n")}
  esac
}
_pshim6_value() {
  case "$1" in
${valueCases(verbs).join("\n")}
  esac
}
complete -F _pshim6 pshim6
`;
}

function valueCases(verbs: readonly VerbNode[]): string[] {
  return valuePlaces(verbs).flatMap(([place, value]) => {
    const action = actionOf(value);
    return action === undefined ? [] : [`    "${place}") ${action} ;;`];
  });
}

function actionOf(value: ValueKind): string | undefined {
  switch (value.kind) {
    case "words":
      return `_pshim6_words "${value.words.join(" ")}"`;
    case "file":
      return "_pshim6_files -f";
    case "directory":
      return "_pshim6_files -d";
    case "provider":
      return `_pshim6_words "$("\${COMP_WORDS[0]}" completion providers "\${box[@]}" 2>/dev/null)"`;
    case "other":
      return undefined;
  }
}

const HEAD = `# Completion of pshim6 for bash, made by: pshim6 completion bash
_pshim6() {
  local cur=\${COMP_WORDS[COMP_CWORD]} verb= args=0 word last= i
  local subs flags takers box=()
  COMPREPLY=()
  _pshim6_verb
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # bash gives --flag=value as three words.
    [[ $word == "=" ]] && continue
    if [[ -n $last ]]; then
      case "$last" in -c | --config | --socket) box=("$last" "$word") ;; esac
      last=
    elif [[ $word == -* ]]; then
      [[ $takers == *" $word "* ]] && last=$word
    elif [[ " $subs " == *" $word "* ]]; then
      verb="\${verb:+$verb }$word" args=0
      _pshim6_verb
    else
      args=$((args + 1))
    fi
  done
  [[ $cur == "=" ]] && cur=
  if [[ -n $last ]]; then
    _pshim6_value "\${verb:+$verb }$last"
  elif [[ $cur == -* ]]; then
    _pshim6_words "$flags"
  elif [[ -n $subs ]]; then
    _pshim6_words "$subs"
  else
    _pshim6_value "\${verb:+$verb }#$args"
  fi
}
_pshim6_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}
_pshim6_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}
_pshim6_verb() {
  case "$verb" in
`;
