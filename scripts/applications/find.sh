# A walk through a tree.
tools="find"
furnish() { tree "$1"; }
run() { find . -type f -size +1k -newermt 2001-01-01 > /dev/null; }
