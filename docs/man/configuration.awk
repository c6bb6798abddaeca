# Makes the source of the man page `page`(5) about the configuration of `program`, of a page in docs/: with the sections of a
# man page, tables as lists of definitions (they are too wide for most terminals), and links as what they are shown as.
NR == 1 { print "# NAME\n\n" page " - configuration of " program "\n\n# DESCRIPTION"; next }
/^```/ { code = !code }
!code { $0 = without_links($0); sub(/^##/, "#") }
!code && /^\|/ {
  count = split($0, cells, / *\| */)
  if (++row == 1) split($0, head, / *\| */)
  if (row < 3) next  # the head, and the line below
  text = ""
  for (i = 3; i < count; i++) {
    if (cells[i] == "") continue
    text = text (text == "" ? "" : "; ") (head[i] == "default" && cells[i] != "required" ? "default " : "") cells[i]
  }
  print cells[2] "\n:   " (text == "" ? "likewise" : text) "\n"
  next
}
{ row = 0; print }

function without_links(line,   label) {
  while (match(line, /\[[^]]*\]\([^)]*\)/)) {
    label = substr(line, RSTART + 1, RLENGTH - 1)
    sub(/\]\(.*/, "", label)
    line = substr(line, 1, RSTART - 1) label substr(line, RSTART + RLENGTH)
  }
  return line
}
