# Completes the commands of aribus, and methods and parameters as the running daemon tells them.
_aribus() {
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  local command=${words[0]} current=${words[-1]}
  if [[ $COMP_CWORD -gt 1 && $command =~ ^(check|record|replay)$ && $current != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames
    return
  fi
  mapfile -t COMPREPLY < <(aribus complete "${words[@]}" 2>/dev/null)
  COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")  # bash shows no meanings
  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -F _aribus aribus
