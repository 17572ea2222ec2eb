#!/usr/bin/env bash
# Replays /var/tmp/replay.workload onto this client's folder of the server's share, and puts
# the run beside those of the other clients: //server/runs/NAME.run.
#
# Environment: OPTIONS (of smbench-mount replay).
set -euo pipefail
users=/opt/smbench/users
run=/var/tmp/$(hostname).run
read -ra options <<<"${OPTIONS:-}"

rm -rf "$run"
status=0
smbench-mount replay /var/tmp/replay.workload "//server/share/$(hostname)" \
    --users $users/users.toml -o "$run" "${options[@]}" || status=$?
rm -rf /var/tmp/replay.workload # the next one shall find nothing of it
# A run that differs, was late or missed a threshold is a result too, and its run.json says so.
case $status in
0) ;;
4 | 5 | 99) echo "replay ended with status $status" ;;
*) exit "$status" ;;
esac

runs=$(mktemp -d)
PASSWD=$(<$users/user01.pw) mount -t cifs //server/runs "$runs" -o username=user01
trap 'umount "$runs"; rmdir "$runs"' EXIT
rm -rf "$runs/$(hostname).run"
cp -r "$run" "$runs/"
