# Files with holes: truncate, fallocate in all its ways, cp --sparse, a search for data and holes.
tools="fallocate truncate"
furnish() { head -c 1048576 /dev/zero | tr '\0' x > "$1/full.img"; }
run() {
    truncate -s 3M image
    printf middle | dd of=image bs=1 seek=1500000 conv=notrunc status=none
    fallocate -p -o 65536 -l 131072 full.img
    fallocate -z -o 262144 -l 65536 full.img
    fallocate -l 2M full.img
    fallocate -n -l 3M full.img
    fallocate -c -o 4096 -l 8192 full.img
    fallocate -i -o 4096 -l 4096 full.img
    cp --sparse=always full.img always.img
    cp --sparse=never image never.img
    cp image auto.img
    truncate -s 100 always.img
    truncate -s +5000 always.img
    "$PYTHON" - <<'PY'
import os

file = os.open("full.img", os.O_RDONLY)
at = 0
try:
    while True:
        at = os.lseek(file, os.lseek(file, at, os.SEEK_DATA), os.SEEK_HOLE)
except OSError:
    os.close(file)
PY
}
