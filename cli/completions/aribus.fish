# Completes what `aribus complete` offers, with meanings: commands, options, methods, parameters, and the types,
# applications, servers and ids that the running daemon knows.
function __aribus_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (aribus complete $words[2..-1] 2>/dev/null)
    if test "$lines[1]" = "<file>"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $lines
    end
end
complete -c aribus -k -f -a '(__aribus_complete)'
