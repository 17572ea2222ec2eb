# Three users at the same time in two files: who comes first is left to them.
users=3
furnish() { for name in one two; do head -c 65536 /dev/zero > "$1/$name.dat"; done; }
run() {
    "$PYTHON" - "$@" <<'PY'
import os, random, sys, threading, time

def work(number, folder):
    dice = random.Random(number)
    for _ in range(6):
        name = f"{folder}/{dice.choice(('one', 'two'))}.dat"
        file = os.open(name, os.O_RDWR if dice.random() < 0.6 else os.O_RDONLY)
        os.pread(file, 4096, 4096 * dice.randrange(8))
        if dice.random() < 0.5:
            try:
                os.pwrite(file, b"x" * 1000, 4096 * dice.randrange(8))
            except OSError:
                pass  # it was opened to read
        os.close(file)
        if dice.random() < 0.3:
            os.stat(name)
        time.sleep(dice.random() * 0.3)

workers = [threading.Thread(target=work, args=one) for one in enumerate(sys.argv[1:])]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
PY
}
