"""How this system starts a worker: forked leanly where it has process descriptors, else spawned."""

from __future__ import annotations

import os
from collections.abc import Callable

import multiprocess
from multiprocess.process import BaseProcess


def worker_process(name: str, body: Callable[..., None], *arguments: object) -> BaseProcess:
    """A process that is to run `body(*arguments)`, not yet started."""
    if hasattr(os, "pidfd_open"):
        from smbench.runner.fork import LeanProcess  # not everywhere

        return LeanProcess(target=body, args=arguments, name=name)
    return multiprocess.get_context("spawn").Process(target=body, args=arguments, name=name)
