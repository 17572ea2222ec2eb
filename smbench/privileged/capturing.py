"""How a run is captured: the filter, and tcpdump's command line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

DISCARD_PORT = 9
"""Where the marks of a run's capture go (RFC 863)."""
_SNAP_BYTES = 262_144
"""tcpdump's own maximum: also what segmentation offload leaves whole is captured whole."""
_BUFFER_KIB = 65_536


def capture_filter(addresses: Sequence[str], port: int) -> str:
    """The BPF filter: SMB with a server, and a run's marks."""
    hosts = " or ".join(f"host {address.partition('%')[0]}" for address in addresses)
    return f"({hosts}) and (tcp port {port} or udp dst port {DISCARD_PORT})"


def capture_command(found: str, interface: str, wanted: str, as_whom: Sequence[str] = ()) -> list[str]:
    """tcpdump, which writes to its standard output."""
    return [
        found, "-i", interface, "-w", "-", "-s", str(_SNAP_BYTES), "-B", str(_BUFFER_KIB), "--immediate-mode",
        "-U", "-n", "--time-stamp-precision=nano", *as_whom, wanted,
    ]  # fmt: skip
