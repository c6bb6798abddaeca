# Completes the commands of aribus, and methods and parameters as the running daemon tells them.
function __aribus_complete
    set -l words (commandline -opc) (commandline -ct)
    aribus complete $words[2..-1] 2>/dev/null
end
complete -c aribus -f -a '(__aribus_complete)'
complete -c aribus -F -n '__fish_seen_subcommand_from check record replay'
