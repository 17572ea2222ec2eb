"""The open that a break is about, where several share a lease or one is on its way to be closed."""

from __future__ import annotations

from smbench.capture.leases import SharedLeases

LEASE = ("client", "key")


def test_the_latest_that_is_open():
    leases: SharedLeases[str] = SharedLeases()
    assert leases.latest(LEASE, 0) is None
    leases.opened(LEASE, "first")
    leases.opened(LEASE, "second")
    assert leases.latest(LEASE, 5) == "second"
    leases.closed(LEASE, "second", answered_ns=10)
    assert leases.latest(LEASE, 6) == "first"
    assert leases.latest(("another", "key"), 6) is None


def test_one_that_is_being_closed_until_its_client_heard_of_it():
    leases: SharedLeases[str] = SharedLeases()
    leases.opened(LEASE, "only")
    leases.closed(LEASE, "only", answered_ns=10)
    assert leases.latest(LEASE, 10) == "only"
    assert leases.latest(LEASE, 11) is None
    leases.opened(LEASE, "again")
    assert leases.latest(LEASE, 12) == "again"
