# Files with holes into an archive, and out of it again.
tools="tar"
furnish() { mkdir "$1/disks" && truncate -s 2M "$1/disks/one.img" && printf start | dd of="$1/disks/one.img" bs=1 seek=1000000 conv=notrunc status=none; }
run() {
    tar --sparse -cf disks.tar disks
    mkdir again
    tar --sparse -C again -xf disks.tar
}
