# A look at a work tree in which one file was changed.
tools="git"
furnish() { repository "$1/work" && echo more >> "$1/work/round.txt"; }
run() { git -c safe.directory='*' -C work status --short > /dev/null; }
