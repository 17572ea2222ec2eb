"""Passwords stand in one place, and nowhere else in this process or its copies."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from smbench.secret import MOST_BYTES, secret, secret_in

ELSEWHERE = sys.platform != "linux"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""), (b"x", "x"), (b"x\n", "x"), (b"x\r\n", "x"), (b"p,a ss ", "p,a ss "), (b"\n", ""),
        ("pässwörd €𝄞\n".encode(), "pässwörd €𝄞"), (b"x" * MOST_BYTES, "x" * MOST_BYTES),
    ],
)  # fmt: skip
def test_what_a_file_holds(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "password").write_bytes(content)
    with (tmp_path / "password").open("rb", buffering=0) as file:
        assert secret_in(file.fileno()).text() == text


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x" * (MOST_BYTES + 1), "far longer"), (b"a\nb", "more than one line"), (b"a\0", "null character"),
        (b"a\n\n", "more than one line"), (b"\xff", "not UTF-8"), (b"\xed\xa0\x80", "not UTF-8"),
        (b"\xc0\x80", "not UTF-8"), (b"\xf4\x90\x80\x80", "not UTF-8"), (b"\xe2\x82", "not UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_password(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "password").write_bytes(content)
    with (tmp_path / "password").open("rb", buffering=0) as file, pytest.raises(ValueError, match=why):
        secret_in(file.fileno())


def test_several_stand_beside_each_other(tmp_path: Path) -> None:
    several = [secret(f"password {number}") for number in range(100)]
    assert [one.text() for one in several] == [f"password {number}" for number in range(100)]
    with (tmp_path / "file").open("wb", buffering=0) as file:
        several[7].write_to(file.fileno())
    assert (tmp_path / "file").read_text() == "password 7"
    assert "password" not in repr(several)
    assert pickle.loads(pickle.dumps(several[3])).text() == "password 3"


CANARIES = """
import gc, os, re, sys
from smbench.secret import keep, secret_in, secret_of
first, second = (os.open(path, os.O_RDONLY) for path in sys.argv[1:3])
found = [secret_in(first), secret_in(second), secret_of("THIRD")]
assert "THIRD" not in os.environ
copy = os.memfd_create("credentials")
found[0].write_to(copy)
CANARY = re.compile(b"cana" + rb"ry-[a-z]+-[0-9a-f]{16}")

def seen():
    gc.collect()
    told = set()
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in maps:
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            if line.split()[1][0] != "r" or line.split()[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            memory.seek(start)
            left = end - start
            while left > 0:
                try:
                    part = memory.read(min(left, 1 << 22))
                except OSError:
                    break
                if not part:
                    break
                told.update(word[:16] for word in CANARY.findall(part))
                del part
                left -= 1 << 22
    return sorted(told)

os.close(copy)
here = seen()
if not os.fork():
    keep([found[1]])
    try:
        found[0].text()
        sys.exit("it still has another's")
    except ValueError:
        pass
    held = found[1].text()
    sys.stdout.write(repr((here, seen())))
    sys.stdout.flush()
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(ELSEWHERE, reason="the memory of a process is read as Linux shows it")
def test_a_copy_of_the_process_has_its_own_password_alone(tmp_path: Path) -> None:
    """Its whole memory is looked through: neither objects, nor what was freed, nor the environment."""
    digits = os.urandom(8).hex()
    for name in ("first", "second"):
        (tmp_path / name).write_text(f"canary-{name}-{digits}\n")
    done = subprocess.run(
        [sys.executable, "-c", CANARIES, tmp_path / "first", tmp_path / "second"],
        capture_output=True, text=True, check=True, env={**os.environ, "THIRD": f"canary-third-{digits}"},
    )  # fmt: skip
    before, after = re.findall(r"\[.*?\]", done.stdout)
    assert before == "[]"
    assert after == f"[{f'canary-second-{digits}'.encode()[:16]!r}]", "the positive control: what it kept"
