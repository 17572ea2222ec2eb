# Two users of one file, each with a lease that the other's open or write breaks.
users=2
furnish() { head -c 65536 /dev/zero > "$1/ledger.csv"; }
run() {
    "$PYTHON" - "$@" <<'PY'
import os, sys, time

for round_ in range(2):
    held = []
    for number, folder in enumerate(sys.argv[1:]):
        file = os.open(f"{folder}/ledger.csv", os.O_RDWR)
        os.pread(file, 4096, 0)
        os.pwrite(file, b"somebody" * 100, 8192 * round_ + 4096 * number)
        held.append(file)
        time.sleep(0.1)
    for file in held:
        os.close(file)
    time.sleep(1.2)
PY
}
