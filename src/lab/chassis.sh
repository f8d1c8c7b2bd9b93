#!/bin/sh
# Chassis control of one simulated BMC: ipmi_sim runs this for every command and waits for it.
#   chassis.sh SOCKET NODE get power boot | set power 1 | set reset 1 | set boot pxe | set shutdown 1 | set identify 15 0
# The lab's owner does the work; nothing that lives on is started here, since it would inherit ipmi_sim's sockets and
# keep its UDP port bound. Under a second even when busy, or the client sends its command again.
socket=$1 node=$2
shift 2
exec curl --silent --fail --max-time 3 --unix-socket "$socket" --data-raw "$*" "http://lab/nodes/$node/chassis"
