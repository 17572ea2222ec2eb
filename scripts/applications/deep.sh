# Thirty folders, each in the one before: made, walked through, removed.
run() {
    deep=$(seq -s / -f 'level-%.0f' 30)
    mkdir -p "$deep"
    echo deep > "$deep/bottom.txt"
    find . > /dev/null
    cat "$deep/bottom.txt" > /dev/null
    rm -r level-1
}
