#!/bin/bash
# Succeeds if HAProxy at an address and a port answers ("answers"), or says that it has a node that serves clients
# ("takes-clients").
set -euo pipefail

exec 3<>"/dev/tcp/$1/$2"
printf 'GET /takes-clients HTTP/1.0\r\n\r\n' >&3
read -r -t 1 protocol status _ <&3
[[ $protocol == HTTP/* ]]
[[ $3 == answers || $status == 200 ]]
