#!/bin/sh
# Tells the server that this system is up, and what it is. cloud-init runs it once, at the end of the first boot.
url='@URL@'

# field NAME VALUE - one field of a form. Characters that are neither safe as they are nor encoded here are left out.
field() { printf '%s=%s' "$1" "$(printf %s "$2" | tr -cd 'A-Za-z0-9._:,/()~ +-' | sed 's/+/%2B/g; s/ /+/g')"; }
release=$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null)
addresses=$(ip -o address show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); printf "%s%s", comma, $4; comma = "," }')
form="$(field hostname "$(uname -n)")&$(field kernel "$(uname -r)")&$(field addresses "$addresses")"
form="$form&$(field os "$release")&$(field machineId "$(cat /etc/machine-id 2>/dev/null)")"

# python3 is where cloud-init is; the others start faster.
call_home() {
  if command -v curl >/dev/null; then
    curl -fsS --max-time 20 -o /dev/null --data "$form" "$url"
  elif command -v wget >/dev/null; then
    wget -q -T 20 -O /dev/null --post-data "$form" "$url"
  else
    python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], sys.argv[2].encode(), 20)' "$url" "$form"
  fi
}

# The boot waits for the first try only. The others go on for half an hour: the server may be being upgraded.
call_home || {
  tries=35 pause=2
  until sleep "$pause" && call_home || [ "$tries" = 0 ]; do
    tries=$((tries - 1)) pause=$((pause < 32 ? pause * 2 : 60))
  done
} </dev/null >/dev/null 2>&1 &
