"""Sleeping on a word of shared memory until another process says so, or until a time (futex(2)).

It serves as the run's only way to sleep: an absolute CLOCK_MONOTONIC deadline is as exact as
clock_nanosleep, and the wait can be ended from outside. Where the system has no futex the wait is a
series of sleeps that grow with the time that it has taken already (on Windows each is a
high-resolution waitable timer: time.sleep since Python 3.11).
"""

from __future__ import annotations

import ctypes
import platform
import sys
import time

from smbench.measure.clock import now_ns

_FUTEX_NUMBERS = {"x86_64": 202, "aarch64": 98, "riscv64": 98}
_WAIT_BITSET = 9
_WAKE_BITSET = 10
ANY = 0xFFFFFFFF
"""The bit set that every waker wakes, and that every sleeper listens to."""
_SECOND_NS = 1_000_000_000
_SHORTEST_NAP_NS = 20_000
_LONGEST_NAP_NS = 20_000_000


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_int64))


class Futex:
    """Waits and wakes by the kernel. Addresses are of 64-bit words whose low half is compared."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._syscall = ctypes.CDLL(None).syscall
        self._syscall.argtypes = [
            ctypes.c_long, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32,
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32,
        ]  # fmt: skip

    def wait(self, address: int, seen: int, until_ns: int, bits: int = ANY) -> None:
        """Sleep while the word is `seen`, no longer than `until_ns`; may end early for no reason."""
        seconds, nanoseconds = divmod(until_ns, _SECOND_NS)
        due = _Timespec(seconds, nanoseconds)
        self._syscall(
            self._number, address, _WAIT_BITSET, seen & 0xFFFFFFFF, ctypes.addressof(due), None, bits
        )

    def wake(self, address: int, bits: int = ANY) -> None:
        """Wake all who sleep on the word and listen to one of the bits."""
        self._syscall(self._number, address, _WAKE_BITSET, 0x7FFFFFFF, None, None, bits)


class Naps:
    """The same by sleeping and looking; nobody needs to be woken."""

    def wait(self, address: int, seen: int, until_ns: int, bits: int = ANY) -> None:
        """As `Futex.wait`."""
        del bits
        word = ctypes.c_int64.from_address(address)
        began = now = now_ns()
        while now < until_ns and word.value == seen:
            # An eighth of the time already waited: exact for the short, cheap for the long.
            nap = min(max((now - began) >> 3, _SHORTEST_NAP_NS), _LONGEST_NAP_NS, until_ns - now)
            time.sleep(nap / _SECOND_NS)
            now = now_ns()

    def wake(self, address: int, bits: int = ANY) -> None:
        """Whoever sleeps looks by itself."""


def sleeper() -> Futex | Naps:
    """What this system has."""
    number = _FUTEX_NUMBERS.get(platform.machine())
    little = sys.byteorder == "little" and ctypes.sizeof(ctypes.c_void_p) == 8
    return Futex(number) if sys.platform == "linux" and number is not None and little else Naps()
