# A document opened and saved as LibreOffice does it: a lock file, a temporary file, a backup, rename over it.
furnish() { head -c 150000 /dev/zero | tr '\0' x > "$1/report.odt"; }
run() {
    "$PYTHON" - <<'PY'
import fcntl
import os

LOCK = ".~lock.report.odt#"
lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
os.write(lock, b",somebody,host,29.11.2026 10:00,file:///home/somebody/.config/libreoffice/4;")
os.close(lock)
document = os.open("report.odt", os.O_RDWR)
fcntl.lockf(document, fcntl.LOCK_EX | fcntl.LOCK_NB)
size = os.fstat(document).st_size
os.pread(document, 1024, size - 1024)
for at in range(0, size, 32768):
    os.pread(document, 32768, at)
for round_ in range(2):
    temporary = f"lu{round_}4711abc.tmp"
    new = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    for at in range(0, size + 1000, 32768):
        os.pwrite(new, b"y" * min(32768, size + 1000 - at), at)
    os.pwrite(new, b"PK\3\4", 0)
    os.fsync(new)
    os.close(new)
    os.close(document)
    os.stat("report.odt")
    os.rename("report.odt", "report.bak")
    os.rename(temporary, "report.odt")
    os.chmod("report.odt", 0o644)
    os.unlink("report.bak")
    document = os.open("report.odt", os.O_RDWR)
    fcntl.lockf(document, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with open(LOCK, "rb") as lock:
        lock.read()
os.close(document)
os.unlink(LOCK)
PY
}
