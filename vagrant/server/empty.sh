#!/usr/bin/env bash
# Before the clients replay: every client finds its folder of //server/share empty.
set -euo pipefail
find /srv/share -mindepth 2 -delete
