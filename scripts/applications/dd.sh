# Reads and writes of odd sizes at odd places, appended, synchronous, beside the cache.
furnish() { head -c 100003 /dev/zero | tr '\0' x > "$1/odd.bin"; }
run() {
    dd if=odd.bin of=copy.bin bs=777 status=none
    dd if=odd.bin of=part.bin bs=1013 skip=3 count=11 status=none
    dd if=/dev/zero of=copy.bin bs=333 seek=7 count=9 conv=notrunc status=none
    dd if=odd.bin of=copy.bin bs=5000 count=3 oflag=append conv=notrunc,fsync status=none
    dd if=/dev/zero of=sync.bin bs=4096 count=5 oflag=sync status=none
    dd if=odd.bin of=/dev/null bs=4096 iflag=direct status=none
    dd if=/dev/zero of=direct.bin bs=8192 count=4 oflag=direct status=none
}
