"""The last line of defence: whatever goes wrong ends in one sentence and an exit status."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType

import click

from smbench.errors import SetupError, SmbenchError, UsageError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it (128 + SIGINT)."""

_ENVIRONMENT_ERRNOS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EROFS,
    errno.EIO,
}


def terminate_as_interrupt() -> None:
    """Let SIGTERM unwind like Ctrl-C, so that mounts and credentials are cleaned up on the way out; the
    interrupt then says its name."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt("SIGTERM")

    signal.signal(signal.SIGTERM, interrupt)


def guarded(command: Callable[[], object]) -> object:
    """Run a command; end the process with its sentence and exit status where it fails."""
    terminate_as_interrupt()
    try:
        return command()
    except (click.ClickException, click.exceptions.Exit):
        raise  # click's own way of ending: a usage error, --help
    except SmbenchError as error:
        _say(str(error))
        status = error.exit_status
    except KeyboardInterrupt:
        _say("interrupted")
        status = INTERRUPTED
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        _say(f"the operating system refused{where}: {error.strerror or error}")
        _trace()
        mends = error.errno in _ENVIRONMENT_ERRNOS
        status = SetupError.exit_status if mends else UsageError.exit_status
    except Exception as error:  # a defect of ours: still one sentence, and how to get the rest
        _say(f"internal error ({type(error).__name__}: {error}); set SMBENCH_DEBUG=1 for details")
        _trace()
        status = 1
    sys.exit(status)


def _say(sentence: str) -> None:
    print(f"smbench-mount: {sentence}", file=sys.stderr)


def _trace() -> None:
    if os.environ.get("SMBENCH_DEBUG"):
        traceback.print_exc()
