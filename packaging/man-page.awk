#!/usr/bin/awk -f
# Finishes a man page that swift-argument-parser's generate-manual has made. The page of `stint put` is called stint-put(1),
# as Debian's users expect, and not stint.put(1). Every page refers to others, and paragraphs are marked as such.

/^\.Dt / { gsub(/\./, "-"); sub(/^-/, ".") }
/^\.Sh / { section = $2 }

# The name of the page, for whatis(1). Elsewhere the command is written as it is typed.
section == "NAME" && /^\.Nm / {
    command = $0
    sub(/^\.Nm /, "", command)
    gsub(/"/, "", command)
    name = command
    gsub(/ /, "-", name)
    print ".Nm " name
    next
}
/^\.Nm$/ { print ".Nm \"" command "\""; next }
/^\.Ex -std/ { print ".Ex -std \"" command "\""; next }

/^\.Xr / {
    if ($2 == "stint.help") next
    gsub(/\./, "-", $2)
    hasReferences = 1
}
/^$/ { print ".Pp"; next }
{ print }

END {
    if (!hasReferences) print ".Sh \"SEE ALSO\"\n.Xr stint 1"
}
