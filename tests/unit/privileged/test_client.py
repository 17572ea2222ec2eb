"""What is said where the helper does not answer."""

from __future__ import annotations

import sys

import pytest

from smbench.privileged.client import Helper, HelperError


def test_one_that_never_answers_is_told_with_what_its_start_needs() -> None:
    helper = Helper(["false"], {}, "sudo does not start it")
    for _ in range(2):
        with pytest.raises(HelperError, match=r"^sudo does not start it$"):
            helper.ask("anything")
    helper.close()
    helper._process.wait()


def test_one_that_answered_has_ended() -> None:
    answer = (
        "import socket, sys; s = socket.socket(fileno=0); s.recv(9999); "
        "s.send(b'.' + b'{\"number\": 1}'); s.recv(9999)"
    )
    helper = Helper([sys.executable, "-c", answer], {}, "sudo does not start it")
    assert helper.ask("anything") == {}
    with pytest.raises(HelperError, match="the helper that mounts has ended"):
        helper.ask("anything")
    helper.close()
    helper._process.wait()
