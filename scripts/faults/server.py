"""The server, and what lies between."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import struct
import subprocess
import time
from pathlib import Path

import psutil

from faults.ground import PLANNED, Ground, Replay, case


def _smbd() -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["name"]) if one.info["name"] == "smbd"]


def _to_all(what: signal.Signals) -> None:
    for one in _smbd():
        try:
            one.send_signal(what)
        except psutil.NoSuchProcess:
            continue


def _start() -> None:
    conf = os.environ["LAB_SMB_CONF"]
    subprocess.run(["smbd", "-D", "-s", conf, "-l", str(Path(conf).parent)], check=True)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        listening = subprocess.run(
            ["smbcontrol", "-s", conf, "smbd", "ping"], capture_output=True, check=False
        )
        if listening.returncode == 0:
            return
        time.sleep(0.2)


def _conf(*lines: str) -> None:
    """More lines for the share in smb.conf, which smbd reads again."""
    conf = Path(os.environ["LAB_SMB_CONF"])
    text = conf.read_text(encoding="utf-8")
    more = "".join(f"{line}\n" for line in lines)
    conf.write_text(text + more, encoding="utf-8")
    subprocess.run(["smbcontrol", "-s", conf, "smbd", "reload-config"], check=False)


def _conf_back(ground: Ground) -> None:
    conf = Path(os.environ["LAB_SMB_CONF"])
    text = conf.read_text(encoding="utf-8")

    def back() -> None:
        conf.write_text(text, encoding="utf-8")
        subprocess.run(["smbcontrol", "-s", conf, "smbd", "reload-config"], check=False)

    ground.undo.append(back)


def _netem(ground: Ground, *words: str) -> None:
    subprocess.run(["/sbin/tc", "qdisc", "add", "dev", "lo", "root", "netem", *words], check=True)
    ground.undo.append(lambda: subprocess.run(["/sbin/tc", "qdisc", "del", "dev", "lo", "root"], check=False))


def _whole(ground: Ground, replay: Replay, patience_s: float = 120) -> dict[str, object]:
    """It comes to its end, with all of its operations."""
    replay.end(patience_s)
    document = ground.read(replay)
    ground.expect(ground.seen.result == PLANNED, f"{ground.seen.result} of {PLANNED} operations")
    return document


@case("controller: SIGKILL, with three mounts", lab=True)
def mounted_controller_killed(ground: Ground) -> None:
    replay = ground.replay("--speed", 0.5).until(20).kill()
    ground.expect(bool([one for one in ground.leftovers() if "smbench-mount" in one]), "no mount was left")
    undone = ground.run("umount")
    ground.expect("unmounted 3 mounts" in undone.stdout, undone.stdout + undone.stderr)
    ground.recover(replay)


@case("controller: SIGHUP, with three mounts", lab=True)
def mounted_hung_up(ground: Ground) -> None:
    replay = ground.replay("--speed", 0.5).until(20).signal("SIGHUP")
    status, _ = replay.end()
    ground.expect(status == 129, f"status {status}")
    ground.read(replay)


@case("smbd: SIGKILL, and it stays away", lab=True)
def server_killed(ground: Ground) -> None:
    ground.undo.append(_start)
    replay = ground.replay("--speed", 1, "--give-up", "20s").until(20)
    _to_all(signal.SIGKILL)
    status, _ = replay.end(240)
    ground.expect(status == 5, f"status {status}")
    ground.read(replay)


@case("smbd: restarted", lab=True)
def server_restarted(ground: Ground) -> None:
    replay = ground.replay("--speed", 1).until(20)
    _to_all(signal.SIGKILL)
    _start()
    _whole(ground, replay, 240)


@case("smbd: stopped for 20 s", lab=True)
def server_stopped_20_s(ground: Ground) -> None:
    _stopped(ground, 20)


@case("smbd: stopped for 90 s", lab=True)
def server_stopped_90_s(ground: Ground) -> None:
    _stopped(ground, 90)


def _stopped(ground: Ground, seconds: float) -> None:
    ground.undo.append(lambda: _to_all(signal.SIGCONT))
    replay = ground.replay("--speed", 1, "--give-up", 0).until(20)
    _to_all(signal.SIGSTOP)
    time.sleep(seconds)
    _to_all(signal.SIGCONT)
    document = _whole(ground, replay, 240)
    latency = document.get("latency")
    assert isinstance(latency, dict)
    slowest_s = latency["all"]["service"]["max_ns"] / 1e9
    ground.expect(slowest_s > seconds / 2, f"the slowest call took {slowest_s:.1f} s")


@case("smbd: stopped for ever", lab=True)
def server_stopped_for_ever(ground: Ground) -> None:
    ground.undo.append(lambda: _to_all(signal.SIGCONT))
    replay = ground.replay("--speed", 1, "--give-up", "20s").until(20)
    _to_all(signal.SIGSTOP)
    status, _ = replay.end(240)
    ground.expect(status == 5, f"status {status}")
    ground.read(replay)
    _to_all(signal.SIGCONT)
    time.sleep(2)
    ground.run("umount")  # of what had calls in flight


@case("netem: 5 % of packets lost", lab=True)
def packets_lost(ground: Ground) -> None:
    _netem(ground, "loss", "5%")
    _whole(ground, ground.replay("--speed", 1), 240)


@case("netem: 200 ms delay", lab=True)
def packets_late(ground: Ground) -> None:
    _netem(ground, "delay", "200ms")
    document = _whole(ground, ground.replay("--speed", 1), 240)
    latency = document.get("latency")
    assert isinstance(latency, dict)
    took_ms = latency["Read"]["service"]["p50_ns"] / 1e6
    ground.expect(took_ms > 350, f"a read took {took_ms:.0f} ms, less than the way there and back")


@case("netem: 20 % of packets twice", lab=True)
def packets_twice(ground: Ground) -> None:
    _netem(ground, "duplicate", "20%")
    _whole(ground, ground.replay("--speed", 1), 240)


@case("link: down for 30 s", lab=True)
def link_down_30_s(ground: Ground) -> None:
    _down(ground, 30)


@case("link: down for 300 s", lab=True)
def link_down_300_s(ground: Ground) -> None:
    _down(ground, 300)


def _down(ground: Ground, seconds: float) -> None:
    up = ["ip", "link", "set", "lo", "up"]
    ground.undo.append(lambda: subprocess.run(up, check=False))
    replay = ground.replay("--speed", 1, "--give-up", 0).until(20)
    subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
    time.sleep(seconds)
    subprocess.run(up, check=True)
    replay.end(240)
    ground.read(replay)


@case("the share's disk is full meanwhile", lab=True)
def share_full(ground: Ground) -> None:
    full = Path(os.environ["LAB_SHARE_PATH"]).parent / "full"
    ground.undo.append(lambda: full.unlink(missing_ok=True))
    replay = ground.replay("--speed", 1).until(20)
    free = os.statvfs(full.parent)
    subprocess.run(["fallocate", "-l", str(free.f_bfree * free.f_frsize - 4096), full], check=False)
    replay.end()
    document = ground.read(replay)
    ground.expect(ground.seen.result == PLANNED, f"{ground.seen.result} of {PLANNED} operations")
    causes = {cause["got"] for cause in document.get("causes", [])}
    ground.expect(bool(causes & {"ENOSPC", "STATUS_DISK_FULL"}), f"causes {causes}")


@case("the owner of the share's files comes to their quota meanwhile", lab=True)
def share_quota(ground: Ground) -> None:
    share = Path(os.environ["LAB_SHARE_PATH"])
    image = share.parent / "quota"
    ground.undo.append(lambda: image.unlink(missing_ok=True))
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["/sbin/modprobe", "-qa", "loop", "quota_v2"], check=False)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "quota", image], check=True)
    subprocess.run(["mount", "-o", "loop,usrquota", image, share], check=True)
    ground.undo.append(lambda: subprocess.run(["umount", "-l", share], check=True))
    (share / "lost+found").rmdir()
    share.chmod(0o777)
    _conf_back(ground)
    _conf("force user = user01")  # root has none
    replay = ground.replay("--speed", 1).until(20)
    device = subprocess.run(["findmnt", "-no", "SOURCE", share], capture_output=True, text=True, check=True)
    _limit(device.stdout.strip(), pwd.getpwnam("user01").pw_uid)
    replay.end()
    document = ground.read(replay)
    ground.expect(ground.seen.result == PLANNED, f"{ground.seen.result} of {PLANNED} operations")
    causes = {cause["got"] for cause in document.get("causes", [])}
    ground.expect(bool(causes & {"EDQUOT", "ENOSPC"}), f"causes {causes}")


def _limit(device: str, uid: int) -> None:
    """One block for this user, by quotactl(2): struct dqblk, Q_SETQUOTA of USRQUOTA, QIF_BLIMITS."""
    block = struct.pack("=8QI4x", 1, 1, 0, 0, 0, 0, 0, 0, 1)
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.quotactl(ctypes.c_uint(0x800008 << 8), os.fsencode(device), uid, block)
    if done:
        raise OSError(ctypes.get_errno(), "quotactl", device)


@case("the share is read-only meanwhile", lab=True)
def share_read_only(ground: Ground) -> None:
    _conf_back(ground)
    replay = ground.replay("--speed", 1).until(20)
    _conf("read only = yes")
    conf = os.environ["LAB_SMB_CONF"]
    subprocess.run(["smbcontrol", "-s", conf, "smbd", "close-share", "share"], check=False)
    replay.end(240)
    ground.read(replay)


@case("the share is removed meanwhile", lab=True)
def share_removed(ground: Ground) -> None:
    _conf_back(ground)
    replay = ground.replay("--speed", 1, "--give-up", "30s").until(20)
    conf = Path(os.environ["LAB_SMB_CONF"])
    conf.write_text(conf.read_text(encoding="utf-8").replace("[share]", "[gone]"), encoding="utf-8")
    subprocess.run(["smbcontrol", "-s", conf, "smbd", "reload-config"], check=False)
    subprocess.run(["smbcontrol", "-s", conf, "smbd", "close-share", "share"], check=False)
    replay.end(240)
    ground.read(replay)


def _account(ground: Ground, change: str) -> None:
    """An account's line of smbpasswd: `change` is a flag that it gets, or other digits of its password."""
    path = Path(os.environ["LAB_SMB_CONF"]).parent / "private/smbpasswd"
    text = path.read_text(encoding="utf-8")
    ground.undo.append(lambda: path.write_text(text, encoding="utf-8"))
    lines = text.splitlines()
    fields = lines[1].split(":")
    if change == "D":
        fields[4] = "[UD         ]"
    else:
        fields[3] = "0" * 32
    lines[1] = ":".join(fields)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@case("a password is changed, and smbd restarted, meanwhile", lab=True)
def password_changed(ground: Ground) -> None:
    replay = ground.replay("--speed", 1, "--give-up", "60s").until(20)
    _account(ground, "password")
    _to_all(signal.SIGKILL)
    _start()
    replay.end(240)
    document = ground.read(replay)
    ground.expect(document["operations"]["mismatched"] > 0, "no operation of that user failed")


@case("an account is disabled, and smbd restarted, meanwhile", lab=True)
def account_disabled_meanwhile(ground: Ground) -> None:
    replay = ground.replay("--speed", 1, "--give-up", "60s").until(20)
    _account(ground, "D")
    _to_all(signal.SIGKILL)
    _start()
    replay.end(240)
    document = ground.read(replay)
    ground.expect(document["operations"]["mismatched"] > 0, "no operation of that user failed")


def _refused(ground: Ground, *words: str) -> None:
    """Before anything is made on the share, which is empty."""
    for left in Path(os.environ["LAB_SHARE_PATH"]).iterdir():
        subprocess.run(["rm", "-rf", left], check=True)
    status, said = ground.replay().end()
    ground.expect(status == 3, f"status {status}")
    for word in words:
        ground.expect(word in said, f"it does not say {word}")
    made = [path.name for path in Path(os.environ["LAB_SHARE_PATH"]).iterdir()]
    ground.expect(not made, f"made before it was known: {made}")


@case("the second user's password is wrong from the start", lab=True)
def wrong_password(ground: Ground) -> None:
    _account(ground, "password")
    _refused(ground, "user02", "wrong user name or password")


@case("the second user's account is disabled from the start", lab=True)
def account_disabled(ground: Ground) -> None:
    _account(ground, "D")
    _refused(ground, "user02", "disabled")


@case("the share is denied to the second user from the start", lab=True)
def share_denied(ground: Ground) -> None:
    _conf_back(ground)
    _conf("invalid users = user02")
    _refused(ground, "user02", "permission denied by the share")


@case("no such share", lab=True)
def no_such_share(ground: Ground) -> None:
    ground.share = str(ground.share) + "s"
    status, said = ground.replay().end()
    ground.expect((status, "no such share" in said) == (3, True), f"status {status}: {said[-200:]}")
