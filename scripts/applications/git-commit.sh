# Three commits on a share, a branch and a garbage collection.
tools="git"
furnish() { repository "$1/work"; }
run() {
    for round in 4 5 6; do
        echo "round $round" >> work/round.txt
        git -c safe.directory='*' -C work add -A
        git -c safe.directory='*' -C work -c user.name=x -c user.email=x@x commit -qm "round $round"
    done
    git -c safe.directory='*' -C work checkout -q -b branch HEAD~2
    git -c safe.directory='*' -C work gc -q
}
