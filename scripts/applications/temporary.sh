# Python's tempfile, files that are removed while they are open, and what is read of them after that.
run() {
    "$PYTHON" - <<'PY'
import os, tempfile

class Names:
    number = 0
    def __next__(self):
        self.number += 1
        return f"name{self.number}"
tempfile._name_sequence = Names()
with tempfile.TemporaryFile(dir=".") as file:
    file.write(b"x" * 10000)
    file.seek(0)
    file.read()
with tempfile.NamedTemporaryFile(dir=".", suffix=".dat") as file:
    file.write(b"y" * 5000)
    file.flush()
    os.stat(file.name)
with tempfile.TemporaryDirectory(dir=".") as folder:
    for number in range(3):
        with open(f"{folder}/{number}", "w") as file:
            file.write("z" * 100)
file = os.open("removed", os.O_RDWR | os.O_CREAT)
os.write(file, b"still here")
os.unlink("removed")
os.pread(file, 100, 0)
os.fstat(file)
os.ftruncate(file, 5)
os.close(file)
PY
}
