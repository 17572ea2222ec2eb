# A database with a rollback journal.
tools="sqlite3"
options="nobrl" # people give it: sqlite3 finds its own byte-range locks in its way without
run() { queries | sqlite3 store.db > /dev/null; }
