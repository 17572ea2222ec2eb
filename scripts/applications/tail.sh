# Two users: one follows a log by its name, the other appends to it and turns it over.
users=2
furnish() { echo begin > "$1/service.log" && chmod a+rw "$1/service.log"; }
run() {
    tail -F -s 0.3 "$2/service.log" > /dev/null 2>&1 &
    follower=$!
    sleep 0.5
    for line in 1 2 3 4; do
        echo "line $line of the log" >> service.log
        sleep 0.5
    done
    mv service.log service.log.1
    echo "the next log" > service.log
    sleep 1
    kill $follower
    wait $follower || true
}
