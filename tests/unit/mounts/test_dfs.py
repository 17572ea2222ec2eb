"""Where the client's referrals lead a target: its own text as in the lab (Linux 6.1), and made ones."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.mounts.dfs import Lead, Referral, following, keeps_off, led, parse_referrals
from smbench.mounts.options import GIVEN, Option
from smbench.mounts.target import ShareTarget, parse_target

CACHE = (Path(__file__).parent / "dfscache-6.1.txt").read_text()


def share(text: str) -> ShareTarget:
    target = parse_target(text)
    assert isinstance(target, ShareTarget)
    return target


def entry(path: str, *targets: str) -> str:
    return f"cache entry: path={path},type=link,ttl=600\n" + "".join(f"  {target}\n" for target in targets)


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("//127.0.0.1/dfs/link", "//127.0.0.1/data"),
        ("//127.0.0.1/DFS/Link/a/b", "//127.0.0.1/data/a/b"),
        ("//127.0.0.1/dfs/deep/er", "//127.0.0.1/data/sub/er"),
        ("//127.0.0.1/dfs/byname", "//labhost/data"),
        ("//127.0.0.1/whole/a", "//127.0.0.1/data/a"),
        ("//127.0.0.1:4450/dfs/link", "//127.0.0.1:4450/data"),
        ("//127.0.0.1/dfs", None),
        ("//127.0.0.1/dfs/links", None),
        ("//127.0.0.1/data", None),
        ("//127.0.0.2/dfs/link", None),
    ],
)
def test_a_target_goes_where_the_longest_path_leads(target: str, leads_to: str | None) -> None:
    found = led(share(target), parse_referrals(CACHE))
    assert (None if found is None else str(found)) == leads_to


def test_the_target_that_the_client_uses_is_taken() -> None:
    text = entry(r"\corp\ns\link", r"\fs1\data", r"\fs2\data (target hint)", r"\fs3\data")
    assert parse_referrals(text) == [Referral(("corp", "ns", "link"), ("fs2", "data"))]


def test_one_link_may_lead_to_the_next_and_in_a_circle() -> None:
    chain = entry(r"\corp\ns", r"\dc1\ns") + entry(r"\dc1\ns\a", r"\fs1\b") + entry(r"\fs1\b", r"\fs2\c\d")
    found = led(share("//corp/ns/a/x"), parse_referrals(chain))
    assert str(found) == "//fs2/c/d/x"
    circle = parse_referrals(entry(r"\a\x", r"\b\x") + entry(r"\b\x", r"\a\x"))
    assert led(share("//a/x"), circle) in (None, share("//b/x"))


@pytest.mark.parametrize("leads_to", [r"\fs1", r"\fs1\a,b", r"\fs 1\a", r"\fs1\..", r"\fs1\a\*"])
def test_what_is_no_share_leads_nowhere(leads_to: str) -> None:
    assert led(share("//corp/ns"), parse_referrals(entry(r"\corp\ns", leads_to))) is None


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert all(referral.leads_to is not None for referral in parse_referrals(text + entry(text, text)))


def test_nodfs_of_its_own_is_dropped_and_a_given_one_stands() -> None:
    own, theirs = Option("nodfs", None, "no referrals"), Option("nodfs", None, GIVEN)
    assert keeps_off([own])
    assert not keeps_off([theirs])
    assert [option.name for option in following([Option("soft", None, ""), own])] == ["soft", "dfs"]


def test_a_result_says_where_the_files_are() -> None:
    named, there = share("//srv/dfs/link"), share("//fs1/data")
    assert Lead(named).told(named) == []
    assert Lead(there, there).told(named) == [
        "//srv/dfs/link is in DFS, which leads to //fs1/data: that is where the files are"
    ]
    (told,) = Lead(named, follows=True).told(named)
    assert told.startswith("//srv/dfs/link holds DFS links, so it is mounted without nodfs")
