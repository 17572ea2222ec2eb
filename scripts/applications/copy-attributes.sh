# cp -a of files that have extended attributes and ACLs; attributes set, listed, read, replaced and removed.
furnish() {
    "$PYTHON" - "$LOCAL/tree" <<'PY'
import os, struct, sys

ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in ((1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (16, 6, 0xFFFFFFFF), (32, 4, 0xFFFFFFFF))
)
"""user::rw-, user:1000:r--, group::r--, mask::rw-, other::r-- (linux/posix_acl_xattr.h)."""
os.makedirs(f"{sys.argv[1]}/sub")
for number in range(6):
    name = f"{sys.argv[1]}/sub/file-{number}"
    with open(name, "w") as file:
        file.write("x" * 1000 * number)
    os.setxattr(name, "user.origin", b"https://example.org/" + b"a" * 10 * number)
    if number % 2:
        os.setxattr(name, "user.note", bytes(300))
        os.setxattr(name, "system.posix_acl_access", ACL)
PY
}
run() {
    cp -a "$LOCAL/tree" copy 2> /dev/null || true # a share keeps no POSIX ACLs, and cp says so
    "$PYTHON" - <<'PY'
import os

for number in range(6):
    name = f"copy/sub/file-{number}"
    os.listxattr(name)
    os.getxattr(name, "user.origin")
    os.setxattr(name, "user.rating", b"5")
    os.setxattr(name, "user.rating", b"4 of 5")
    os.removexattr(name, "user.origin")
    try:
        os.getxattr(name, "user.origin")
    except OSError:
        pass
PY
    cp -a copy again
}
