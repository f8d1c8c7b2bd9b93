# shellcheck shell=sh
# Takes from every fixed disk what says what is on it: signatures of file systems, RAID and volume managers, partition
# tables, boot code. Proves by reading back that it is gone. The data itself stays.
# is_zero OFFSET - whether a MiB of the disk has nothing but zeros
is_zero() { [ "$(dd if="$disk" bs="$mib" count=1 skip="$1" iflag=skip_bytes status=none | tr -d '\000' | head -c 1 | wc -c)" = 0 ]; }

erase() {
  disk=$dev/$(echo "$name" | tr '!' /)
  user "$name"
  [ -z "$value" ] || fail "$disk is in use by $value"
  line "$sys/block/$name/size"
  [ "$value" -ge 2048 ] || fail "$disk has less than a MiB"
  last=$((value * 512 - mib))
  for part in $(partitions "$name") "$name"; do
    mdadm --zero-superblock --force "$dev/$part" >/dev/null 2>&1
    wipefs -q -a -f "$dev/$part" 2>wipefs.error || fail "the signatures on $dev/$part cannot be erased: $(head -n 1 wipefs.error)"
  done
  sgdisk --zap-all "$disk" >/dev/null 2>&1
  for at in 0 "$last"; do
    dd if=/dev/zero of="$disk" bs="$mib" count=1 seek="$at" oflag=seek_bytes conv=notrunc,fsync status=none 2>dd.error ||
      fail "$disk cannot be written to: $(head -n 1 dd.error)"
  done
  sync "$disk"
  blockdev --flushbufs "$disk"
  blockdev --rereadpt "$disk" 2>/dev/null
  for at in 0 "$last"; do
    is_zero "$at" || fail "$disk does not keep what is written to it: its MiB at byte $at is not zero"
  done
  left=$(wipefs --noheadings "$disk") || fail "$disk cannot be read"
  [ -z "$left" ] || fail "there is still a signature on $disk: $left"
  [ -z "$(partitions "$name")" ] || fail "the kernel still sees partitions on $disk"
}

mdadm --stop --scan >/dev/null 2>&1
NOT_DISKS=${RACKWRIGHT_NOT_DISKS:-^(ram|zram|loop|sr|fd|nbd|md|dm-|mtdblock|mmcblk[0-9]+(boot|rpmb))}
export NOT_DISKS
list_disks '.[] | select(.sizeBytes > 0 and (.removable or .readOnly or .transport == "usb" | not))
  | .name | select(test(env.NOT_DISKS) | not)' >names || fail "the disks of this machine cannot be listed"
while read -r name; do erase; done <names
jq -R -n -c '{ erased: [inputs] }' <names
