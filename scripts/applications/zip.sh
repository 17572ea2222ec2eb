# An archive made of a tree, added to and tested.
tools="zip"
furnish() { tree "$1/tree"; }
run() {
    zip -qr tree.zip tree
    echo more > tree/more.txt
    zip -q tree.zip tree/more.txt
    zip -qT tree.zip
}
