# Completes what `aribus complete` offers: commands, options, methods, parameters, and the types, applications, servers
# and ids that the running daemon knows.
_aribus() {
  # bash breaks words at '=', ':' and '@', too: what no blank keeps apart is put together again.
  local rest=$COMP_LINE words=() word trimmed i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    trimmed=${rest#"${rest%%[![:space:]]*}"}
    if [[ $trimmed != "$rest" || ${#words[@]} -eq 0 ]]; then
      words+=("$word")
    else
      words[-1]+=$word
    fi
    rest=${trimmed#"$word"}
  done
  # Of the word at the cursor it replaces the part behind the last break.
  local current=${words[-1]} part=${COMP_WORDS[COMP_CWORD]}
  [[ $part =~ ^[=:@]+$ ]] && part=
  local before=${current%"$part"}
  mapfile -t COMPREPLY < <(aribus complete "${words[@]:1}" 2>/dev/null)
  if [[ ${COMPREPLY[0]} == "<file>" ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$part")
    compopt -o filenames
    return
  fi
  COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")  # bash shows no meanings
  COMPREPLY=("${COMPREPLY[@]#"$before"}")
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -F _aribus aribus
