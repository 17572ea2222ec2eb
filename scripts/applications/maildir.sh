# Mail delivered into a maildir, seen, marked as read (a name with a colon) and thrown away.
furnish() { mkdir -p "$1/mail/tmp" "$1/mail/new" "$1/mail/cur"; }
run() {
    "$PYTHON" - <<'PY'
import os

for number in range(8):
    name = f"17644.M{number}P42.host"
    mail = os.open(f"mail/tmp/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(mail, b"Subject: hello\n\n" + b"text " * 200 * number)
    os.fsync(mail)
    os.close(mail)
    if number % 2:
        os.rename(f"mail/tmp/{name}", f"mail/new/{name}")
    else:
        os.link(f"mail/tmp/{name}", f"mail/new/{name}")
        os.unlink(f"mail/tmp/{name}")
for name in sorted(os.listdir("mail/new")):
    os.rename(f"mail/new/{name}", f"mail/cur/{name}:2,")
for name in sorted(os.listdir("mail/cur")):
    with open(f"mail/cur/{name}", "rb") as mail:
        mail.read()
    os.rename(f"mail/cur/{name}", f"mail/cur/{name}S")
for name in sorted(os.listdir("mail/cur"))[:4]:
    os.unlink(f"mail/cur/{name}")
PY
}
