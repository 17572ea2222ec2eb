# Three users who count in one file, each under flock.
tools="flock"
users=3
furnish() { echo 0 > "$1/count" && : > "$1/count.lock"; }
run() {
    for folder in "$@"; do
        for _ in 1 2 3 4; do
            # shellcheck disable=SC2016  # its own shell expands it
            flock "$folder/count.lock" sh -c 'read -r n < "$1/count"; sleep 0.02; echo $((n + 1)) > "$1/count"' sh "$folder"
            sleep 0.05
        done &
    done
    wait
}
