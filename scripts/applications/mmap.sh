# Two users who write into one file through memory, one after the other.
users=2
furnish() { head -c 262144 /dev/zero > "$1/shared.bin"; }
run() {
    "$PYTHON" - "$@" <<'PY'
import mmap, os, sys, time

for round_ in range(3):
    for number, folder in enumerate(sys.argv[1:]):
        file = os.open(f"{folder}/shared.bin", os.O_RDWR)
        memory = mmap.mmap(file, 262144)
        for page in range(round_, 60, 7):
            memory[page * 4096 + number] = round_ + 1
        memory.flush()
        memory.close()
        os.close(file)
        time.sleep(0.2)
PY
}
