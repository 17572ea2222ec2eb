# A database with a write-ahead log; where a mount has no shared memory for its index, in exclusive locking mode.
tools="sqlite3"
options="nobrl"
run() {
    mode=$(sqlite3 store.db 'pragma journal_mode=wal')
    locking=normal
    if [ "$mode" != wal ]; then
        echo "sqlite3-wal: no shared memory on this mount ($mode): locking_mode=exclusive" >&2
        locking=exclusive
    fi
    { echo "pragma locking_mode=$locking; pragma journal_mode=wal;"; queries; } | sqlite3 store.db > /dev/null
}
