"""The calls of ntdll that the win32 executor makes, as ctypes prototypes. Nothing is loaded on import.

Every call is made on handles for asynchronous I/O, with an event of the calling thread: a synchronous
handle would need SYNCHRONIZE, which the captured access may lack, and would let a second lane wait for
the first one's read or notification. Layouts are the documented ones of winternl.h and ntifs.h; a
NTSTATUS is a signed 32-bit number, which is an executor's outcome as it is.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from ctypes import POINTER, Structure, Union, byref, c_int32, c_int64, c_size_t, c_ubyte, c_uint32, c_void_p
from threading import local
from typing import Any

from smbench.executors.win32 import wine
from smbench.smb2.ntstatus import Status

OBJ_CASE_INSENSITIVE = 0x40
OBJ_DONT_REPARSE = 0x1000
"""No symbolic link, junction or mount point is followed (Windows 10 1607; before it INVALID_PARAMETER)."""
PENDING = int(Status.PENDING)
_SYNCHRONIZATION_EVENT = 1
_EVENT_ALL_ACCESS = 0x1F0003

NtCall = Callable[..., int]


class _StatusOrPointer(Union):
    _fields_ = (("status", c_int32), ("pointer", c_void_p))


class IoStatusBlock(Structure):
    """IO_STATUS_BLOCK: how a call ended, and a count of bytes (or what the call says)."""

    _anonymous_ = ("_union",)
    _fields_ = (("_union", _StatusOrPointer), ("information", c_size_t))


class UnicodeString(Structure):
    """UNICODE_STRING; lengths in bytes."""

    _fields_ = (("length", ctypes.c_uint16), ("maximum_length", ctypes.c_uint16), ("buffer", c_void_p))


class _ObjectAttributes(Structure):
    _fields_ = (
        ("length", c_uint32),
        ("root_directory", c_void_p),
        ("object_name", POINTER(UnicodeString)),
        ("attributes", c_uint32),
        ("security_descriptor", c_void_p),
        ("security_quality_of_service", c_void_p),
    )


class Name:
    """A UNICODE_STRING with the characters that it points to."""

    __slots__ = ("_characters", "string")

    def __init__(self, text: str) -> None:
        encoded = text.encode("utf-16-le", "surrogatepass")
        self._characters = ctypes.create_string_buffer(encoded, len(encoded) + 2)
        self.string = UnicodeString(len(encoded), len(encoded), ctypes.addressof(self._characters))


class ObjectName:
    """OBJECT_ATTRIBUTES of a name relative to a directory's handle (or absolute), with what it points to."""

    __slots__ = ("_name", "attributes")

    def __init__(self, name: str, root: int | None, flags: int) -> None:
        self._name = Name(name)
        self.attributes = _ObjectAttributes(
            ctypes.sizeof(_ObjectAttributes), root, ctypes.pointer(self._name.string), flags, None, None
        )


class Buffer:
    """Memory of whole pages, as unbuffered I/O wants it; `address` is its first byte's."""

    __slots__ = ("_pin", "address", "memory", "size")

    def __init__(self, size: int) -> None:
        self.size = max(size, mmap.PAGESIZE)
        self.memory = mmap.mmap(-1, self.size)
        self._pin = ctypes.c_char.from_buffer(self.memory)
        self.address = ctypes.addressof(self._pin)


class Ntdll:
    """The calls. Each returns the NTSTATUS as a signed number; the GIL is free meanwhile."""

    def __init__(self) -> None:
        library: Any = getattr(ctypes, "WinDLL")("ntdll")  # noqa: B009 (there is none off Windows)
        handle, pointer, ulong, boolean = c_void_p, c_void_p, c_uint32, c_ubyte
        io = (handle, handle, pointer, pointer, POINTER(IoStatusBlock))
        block = POINTER(IoStatusBlock)

        def call(name: str, *arguments: Any) -> NtCall:
            function = getattr(library, name)
            function.argtypes = arguments
            function.restype = c_int32
            found: NtCall = function
            return found

        self.create_file = call(
            "NtCreateFile", POINTER(c_void_p), ulong, POINTER(_ObjectAttributes), block, pointer,
            ulong, ulong, ulong, ulong, pointer, ulong,
        )  # fmt: skip
        self.close = call("NtClose", handle)
        self.read_file = call("NtReadFile", *io, pointer, ulong, POINTER(c_int64), pointer)
        self.write_file = call("NtWriteFile", *io, pointer, ulong, POINTER(c_int64), pointer)
        self.flush = call("NtFlushBuffersFile", handle, block)
        self.lock_file = call(
            "NtLockFile", *io, POINTER(c_int64), POINTER(c_int64), pointer, boolean, boolean
        )
        self.unlock_file = call("NtUnlockFile", handle, block, POINTER(c_int64), POINTER(c_int64), ulong)
        self.query_information = call("NtQueryInformationFile", handle, block, pointer, ulong, ulong)
        self.set_information = call("NtSetInformationFile", handle, block, pointer, ulong, ulong)
        self.query_volume = call("NtQueryVolumeInformationFile", handle, block, pointer, ulong, ulong)
        self.query_security = call("NtQuerySecurityObject", handle, ulong, pointer, ulong, POINTER(c_uint32))
        self.set_security = call("NtSetSecurityObject", handle, ulong, pointer)
        self.query_ea = call(
            "NtQueryEaFile", handle, block, pointer, ulong, boolean, pointer, ulong, pointer, boolean
        )
        self.set_ea = call("NtSetEaFile", handle, block, pointer, ulong)
        self.query_directory = call(
            "NtQueryDirectoryFile", *io, pointer, ulong, ulong, boolean, POINTER(UnicodeString), boolean
        )
        self.notify_directory = call("NtNotifyChangeDirectoryFile", *io, pointer, ulong, ulong, boolean)
        self.fs_control = call("NtFsControlFile", *io, ulong, pointer, ulong, pointer, ulong)
        self.cancel_io = call("NtCancelIoFileEx", handle, pointer, block)
        self.wait = call("NtWaitForSingleObject", handle, boolean, pointer)
        self._create_event = call("NtCreateEvent", POINTER(c_void_p), ulong, pointer, ulong, boolean)
        if wine.is_wine(library):
            wine.adapt(self)

    def event(self) -> int:
        """A new event that one wait resets."""
        made = c_void_p()
        status = self._create_event(byref(made), _EVENT_ALL_ACCESS, None, _SYNCHRONIZATION_EVENT, False)
        if status < 0 or made.value is None:
            raise OSError(f"NtCreateEvent failed with 0x{status & 0xFFFFFFFF:08X}")
        return made.value

    def finish(self, status: int, scratch: Scratch) -> int:
        """The last word on a call that took `scratch`'s event: waits where it is not there yet."""
        if status == PENDING:
            self.wait(scratch.event, False, None)
            return int(scratch.block.status)
        return status


class Scratch(local):
    """What a thread's calls need and keep: event, status block, offsets, a read buffer."""

    def __init__(self, nt: Ntdll, size: int, events: list[int]) -> None:
        self.event = nt.event()
        # Closed with the executor, not with the thread: a call may still point to it.
        events.append(self.event)
        self.block = IoStatusBlock()
        self.block_reference = byref(self.block)
        self.offset = c_int64()
        self.offset_reference = byref(self.offset)
        self.length = c_int64()
        self.length_reference = byref(self.length)
        self.handle = c_void_p()
        self.handle_reference = byref(self.handle)
        self.buffer = Buffer(size)

    def at_least(self, size: int) -> Buffer:
        """The thread's buffer; a larger one where the workload's largest was told wrong."""
        if size > self.buffer.size:
            self.buffer = Buffer(size)
        return self.buffer
