#!/usr/bin/env bash
# A Linux client: smbench-mount in /opt/smbench/venv, the accounts in /opt/smbench/users.
# May be run again. The package is installed in place: after a change of the project on the
# host, `vagrant rsync` is enough.
#
# Environment: ACCOUNTS "user01=password …", SERVER (its address).
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
home=/opt/smbench

apt-get update -q
apt-get install -qy --no-install-recommends cifs-utils python3-venv tcpdump tshark

python3 -m venv $home/venv
$home/venv/bin/pip install --quiet --editable $home/project
ln -sf $home/venv/bin/smbench-mount /usr/local/bin/smbench-mount

grep -q "^$SERVER server$" /etc/hosts || echo "$SERVER server" >>/etc/hosts

umask 077
rm -rf $home/users
mkdir $home/users
for account in $ACCOUNTS; do
    name=${account%%=*}
    echo "${account#*=}" >"$home/users/$name.pw"
    printf '[[user]]\nname = "%s"\npassword_file = "%s.pw"\n\n' "$name" "$name" >>$home/users/users.toml
done
