#!/bin/sh
# In the lab's guest: two users' mounts, as the wire profile makes them where ranges are put in, and the stories told on them.
# Arguments go to pytest.
set -eu
for user in 01 02; do
    printf 'username=user%s\npassword=%s\n' "$user" "$(cat "$(dirname "$LAB_USERS")/user$user".p*)" >/run/credentials
    mkdir -p "/mnt/user$user"
    mount.cifs "$LAB_SHARE" "/mnt/user$user" -o "credentials=/run/credentials,vers=3.1.1,sec=ntlmssp,nosharesock,cache=none,actimeo=3600,closetimeo=0,noperm,iocharset=utf8,serverino,nodfs,nohandlecache,uid=65534,gid=65534"
    rm /run/credentials
done
export SMBENCH_CONFORMANCE_MOUNTS=/mnt/user01:/mnt/user02
exec "$@"
