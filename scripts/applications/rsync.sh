# A tree copied, and copied again after changes.
tools="rsync"
furnish() { tree "$LOCAL/tree"; }
run() {
    rsync -a "$LOCAL/tree/" copy/
    echo changed >> "$LOCAL/tree/part 0/src/file-003.txt"
    rm "$LOCAL/tree/part 0/src/file-004.txt"
    rsync -a --delete "$LOCAL/tree/" copy/
}
