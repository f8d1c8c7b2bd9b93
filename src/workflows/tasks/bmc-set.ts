import { z } from 'zod';
import { defineJob } from '../job.ts';

/**
 * Sets our user up in band, with `$BMC_USER` and `$BMC_PASSWORD`, on the first LAN channel: in the slot that has its
 * name, else in the first free one. Slots 1 and 2 are left alone: IPMI gives 1 to the anonymous user (IPMI 2.0, 22.28),
 * most vendors 2 to the administrator. Running it again changes nothing.
 *
 * Starting ipmitool is most of what a command of it costs, so one is started for all where that goes well (`together`);
 * where a BMC complains of anything each step is done alone, and the one that fails is named.
 */
const setUser = `
fail() { echo "$*" >&2; exit 1; }
together() { ipmitool "$@" exec /proc/self/fd/0; }
lan='802\\.3 LAN'
channel=1
users=$(printf 'channel info 1\\nuser list 1\\n' | together -c 2>/dev/null | grep -e "$lan" -e '^[0-9]*,')
case $users in
  *802.3*,*) ;;
  *)
    channel=
    for c in 1 2 3 4 5 6 7 8 9 10 11; do
      if ipmitool channel info $c 2>/dev/null | grep -q "$lan"; then channel=$c; break; fi
    done
    [ -n "$channel" ] || fail 'the BMC has no LAN channel'
    users=$(ipmitool -c user list "$channel") || fail 'the users of the BMC could not be listed'
    ;;
esac
name=
slot=$(printf '%s\\n' "$users" | awk -F, -v user="$BMC_USER" '$2 == user { print $1; exit }')
if [ -z "$slot" ]; then
  slot=$(printf '%s\\n' "$users" | awk -F, '$1 > 2 && ($2 == "" || $2 ~ /^\\(Empty/) { print $1; exit }')
  [ -n "$slot" ] || fail 'the BMC has no free user slot: remove a user that is not needed'
  name="user set name $slot $BMC_USER"
fi
# Ours is of letters and digits. As input no process shows it to others.
password="user set password $slot $BMC_PASSWORD 16"
access="channel setaccess $channel $slot callin=on ipmi=on link=on privilege=4"
set_together() {
  case $BMC_USER in *[!A-Za-z0-9_.-]*) return 1 ;; esac
  complaints=$(printf '%s\\n' "$name" "$password" "$access" "user enable $slot" | together 2>&1 >/dev/null) &&
    [ -z "$complaints" ]
}
set_each() {
  [ -z "$name" ] || ipmitool user set name "$slot" "$BMC_USER" || fail "the user could not be named (slot $slot)"
  printf '%s\\n' "$password" | together >/dev/null || fail "the BMC refuses the password (slot $slot)"
  ipmitool $access >/dev/null 2>&1 || ipmitool channel setaccess "$channel" "$slot" ipmi=on privilege=4 >/dev/null ||
    fail "the user could not be made ADMINISTRATOR (slot $slot, channel $channel)"
  ipmitool user enable "$slot" || fail "the user could not be enabled (slot $slot)"
}
set_together || set_each
echo "user $BMC_USER: slot $slot, channel $channel"
`.trim();

/** Has the agent set our user up on its BMC. The password reaches it with the work, and is in no document. */
export const bmcSet = defineJob({
  runJob: 'Job.Rackwright.Bmc.Set',
  mode: 'wait',
  awaits: 'report',
  onInterrupt: 'repeat',
  options: z.looseObject({}),
  agentWork: () => ({
    commands: [{ command: setUser }],
    environment: { BMC_USER: { secret: 'bmc-user' }, BMC_PASSWORD: { secret: 'bmc-password' } },
    stopOnError: true,
  }),
});
