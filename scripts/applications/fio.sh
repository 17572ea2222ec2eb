# Direct random reads and writes, and a stream.
tools="fio"
run() {
    fio --name=random --filename=random.dat --size=4m --rw=randrw --bs=4k --direct=1 --ioengine=psync \
        --number_ios=200 --randseed=1 --output=/dev/null
    fio --name=stream --filename=stream.dat --size=8m --rw=write --bs=256k --ioengine=psync \
        --end_fsync=1 --output=/dev/null
}
