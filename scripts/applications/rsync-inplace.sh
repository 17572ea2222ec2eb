# A file that changed brought up to date where it is, and one that only grew.
tools="rsync"
furnish() {
    tree "$LOCAL/tree"
    cp -r "$LOCAL/tree" "$1/copy"
    echo more >> "$LOCAL/tree/part 0/src/file-003.txt"
    printf XX | dd of="$LOCAL/tree/part 0/src/file-002.txt" bs=1 seek=40 conv=notrunc status=none
}
run() { rsync -rt --inplace --no-whole-file "$LOCAL/tree/" copy/; }
