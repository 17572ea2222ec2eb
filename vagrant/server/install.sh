#!/usr/bin/env bash
# The lab's server: Samba, the accounts, //server/share with a folder for each client, and
# //server/runs for the results. May be run again: `vagrant provision server`.
#
# Environment: ACCOUNTS "user01=password …", CLIENTS "linux1 …", NETWORK "192.168.60".
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

apt-get update -q
apt-get install -qy --no-install-recommends samba samba-vfs-modules tcpdump

sed "s/@NETWORK@/$NETWORK/" /tmp/smb.conf >/etc/samba/smb.conf
mkdir -p /srv/share /srv/runs
for client in $CLIENTS; do mkdir -p "/srv/share/$client"; done
chmod 777 /srv/share /srv/share/* /srv/runs

for account in $ACCOUNTS; do
    name=${account%%=*} password=${account#*=}
    id "$name" >/dev/null 2>&1 || useradd --no-create-home --shell /usr/sbin/nologin "$name"
    printf '%s\n%s\n' "$password" "$password" | smbpasswd -s -a "$name"
done

testparm -s >/dev/null
invoke-rc.d smbd restart
