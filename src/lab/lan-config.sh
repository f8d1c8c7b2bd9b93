#!/bin/sh
# LAN parameters of one simulated BMC, for ipmi_sim.
#   lan-config.sh FILE get ip_addr mac_addr ... | set ... | check ...
# FILE holds NAME:VALUE lines. What is set is accepted and forgotten.
file=$1
shift
[ "$1" = get ] || exit 0
shift
for name; do
  grep "^$name:" "$file" || { echo "unknown parameter $name"; exit 1; }
done
