"""The last line of defence: whatever goes wrong ends in one sentence and an exit status."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

import click

from smbench.advice import MORE_PROCESSES
from smbench.errors import SetupError, SmbenchError, UsageError
from smbench.quoting import visible
from smbench.signals import exit_status, ignore_all, interrupt, name_of, on_ending

_ENVIRONMENT_ERRNOS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EROFS,
    errno.EIO,
    errno.EAGAIN,
}
_LINES = "\n"
_NO_THREAD = ("can't start new thread", "Failed to launch worker thread")
"""How Python and Arrow say it, by exceptions that are of no kind of their own."""
_NEXT = {
    errno.EAGAIN: f"; {MORE_PROCESSES}",
    errno.ENOMEM: "; make memory free, or ask for less at once (fewer clones, --jobs 1)",
}


def guarded(command: Callable[[], object]) -> object:
    """Run a command; end the process with its sentence and exit status where it fails.

    What would end it (Ctrl-C, SIGTERM, a closed terminal) unwinds it, so that mounts, credentials and
    scratch folders are cleaned up on the way out.
    """
    try:
        with on_ending(interrupt):
            return command()
    except click.ClickException as error:
        vars(error)["message"] = visible(error.message, _LINES)
        raise  # click's own way of ending: a usage error
    except click.exceptions.Exit:
        raise  # --help
    except SmbenchError as error:
        _say(str(error))
        status = error.exit_status
    except KeyboardInterrupt as ended:
        ignore_all()  # it ends already
        name = name_of(ended)
        _say("interrupted" if name == "SIGINT" else f"ended by {name}")
        status = exit_status(name) or 1
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        why = f"{error.strerror or error}{_NEXT.get(error.errno or 0, '')}"
        _say(f"the operating system refused{where}: {why}")
        _trace()
        mends = error.errno in _ENVIRONMENT_ERRNOS
        status = SetupError.exit_status if mends else UsageError.exit_status
    except MemoryError as error:
        _say(f"{str(error) or 'no memory was left'}{_NEXT[errno.ENOMEM]}")
        _trace()
        status = SetupError.exit_status
    except Exception as error:  # a defect of ours: still one sentence, and how to get the rest
        if any(words in str(error) for words in _NO_THREAD):
            _say(f"no thread more can be started{_NEXT[errno.EAGAIN]}")
            status = SetupError.exit_status
        else:
            _say(f"internal error ({type(error).__name__}: {error}); set SMBENCH_DEBUG=1 for details")
            status = 1
        _trace()
    sys.exit(status)


def _say(sentence: str) -> None:
    with suppress(OSError):  # where nobody can hear it, the exit status still tells
        print(f"smbench-mount: {visible(sentence, _LINES)}", file=sys.stderr, flush=True)


def _trace() -> None:
    if os.environ.get("SMBENCH_DEBUG"):
        traceback.print_exc()
