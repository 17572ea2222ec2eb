"""scripts/setup --link and --unlink, in the lab's guest: its /usr/local/bin vanishes with it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from helpers.guest import LAB, ROOT

pytestmark = LAB
LINK = "/usr/local/bin/smbench-mount"
TOOL = ROOT / ".venv/bin/smbench-mount"
STORY = r"""
tell() { local status=$?; echo "$*: $status $(readlink "$LINK")" >>"$LAB_OUT/told"; }
rm -f "$LINK"
scripts/setup --unlink; tell nothing to unlink
scripts/setup --link; tell link
scripts/setup --link; tell link again
env -i PATH=/usr/local/bin:/usr/bin:/bin smbench-mount --version >"$LAB_OUT/version"
scripts/setup --unlink --link; tell both
scripts/setup --unlink; tell unlink
mkdir "$LINK"
scripts/setup --link; tell link over a folder
ls -A "$LINK" >"$LAB_OUT/folder"; rmdir "$LINK"
ln -s /elsewhere "$LINK"
scripts/setup --link; tell link over another link
scripts/setup --unlink; tell unlink another link
rm "$LINK"; echo kept >"$LINK"
scripts/setup --link; tell link over a file
cat "$LINK" >"$LAB_OUT/file"
"""


def test_a_link_that_never_takes_anothers_place(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "scripts/lab", "--out", tmp_path, "--", "env", f"LINK={LINK}", "bash", "-c", STORY],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (tmp_path / "told").read_text().splitlines() == [
        "nothing to unlink: 0 ",
        f"link: 0 {TOOL}",
        f"link again: 0 {TOOL}",
        f"both: 2 {TOOL}",
        "unlink: 0 ",
        "link over a folder: 1 ",
        "link over another link: 1 /elsewhere",
        "unlink another link: 1 /elsewhere",
        "link over a file: 1 ",
    ], done.stderr
    assert (tmp_path / "version").read_text().startswith("smbench-mount, version")
    assert (tmp_path / "folder").read_text() == ""
    assert (tmp_path / "file").read_text() == "kept\n"
    said = [line for line in done.stderr.splitlines() if line.startswith("scripts/setup: ")]
    assert [line for line in said if line.endswith(LINK) or "removes it" in line] == [
        f"scripts/setup: there is no link to remove: {LINK}",
        f"scripts/setup: linked: {LINK}; scripts/setup --unlink removes it",
        f"scripts/setup: linked already: {LINK}",
        f"scripts/setup: removed: {LINK}",
    ]
    assert f"{LINK} is a link to /elsewhere and not of this project" in done.stderr
