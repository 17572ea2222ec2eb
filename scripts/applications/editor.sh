# An editor's save as GLib and Qt do it: a temporary file, fsync, the old one linked as a backup, rename over it.
furnish() { seq -f 'line %.0f of a text that somebody edits' 2000 > "$1/letter.txt"; }
run() {
    "$PYTHON" - <<'PY'
import os

for round_ in range(3):
    with open("letter.txt", "rb") as letter:
        text = letter.read()
        mode = os.fstat(letter.fileno()).st_mode & 0o777
    temporary = f".goutputstream-{round_}A7BX1"
    new = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    os.fchmod(new, mode)
    for at in range(0, len(text), 8192):
        os.write(new, text[at : at + 8192])
    os.write(new, b"one line more\n")
    os.fsync(new)
    if os.path.exists("letter.txt~"):
        os.unlink("letter.txt~")
    os.link("letter.txt", "letter.txt~")
    os.rename(temporary, "letter.txt")
    os.close(new)
PY
}
