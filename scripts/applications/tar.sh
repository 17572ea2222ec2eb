# An archive unpacked.
tools="tar"
furnish() { tree "$LOCAL/tree" && tar -C "$LOCAL/tree" -cf "$LOCAL/tree.tar" .; }
run() { tar -xf "$LOCAL/tree.tar"; }
