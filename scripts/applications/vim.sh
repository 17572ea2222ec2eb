# A text edited by vim, with its swap file, a backup and an undo file.
tools="vim"
furnish() { seq -f 'line %.0f of a text that somebody edits' 400 > "$1/notes.txt"; }
run() {
    vim -es -N -u NONE -i NONE \
        -c 'set swapfile directory=. updatecount=10 backup backupdir=. undofile undodir=.' \
        -c '%s/somebody/everybody/' -c write \
        -c '$put ="one line more"' -c wq notes.txt
}
