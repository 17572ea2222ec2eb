# An archive unpacked.
tools="unzip"
furnish() {
    tree "$LOCAL/tree"
    (cd "$LOCAL/tree" && "$PYTHON" -m zipfile -c "$LOCAL/tree.zip" .)
}
run() { unzip -q "$LOCAL/tree.zip"; }
