#!/bin/sh
# What the scripts for disks share: it is put in front of each of them. They run in the discovery OS under dash, as
# commands of the agent, in an empty folder of their own in memory.
set -u
umask 077
sys=${RACKWRIGHT_SYS:-/sys}
proc=${RACKWRIGHT_PROC:-/proc}
dev=${RACKWRIGHT_DEV:-/dev}
identity=${RACKWRIGHT_IDENTITY:-/rackwright/identity.json}
# shellcheck disable=SC2034 # not every script needs them
mib=1048576 patience=${RACKWRIGHT_PATIENCE:-600} # seconds for which a server that is away is waited for

fail() { echo "$*" >&2 && exit 1; }
# line FILE... - sets $value to the first line of the first of the files that has one
line() {
  value=''
  for file; do
    # VPD page 80, the serial number, is binary: a header of 4 bytes, then text.
    case $file in
      */vpd_pg80) [ ! -r "$file" ] || value=$(tail -c +5 "$file" | tr -dc ' -~') ;;
      *) read -r value <"$file" ;;
    esac 2>/dev/null
    [ -z "$value" ] || return 0
  done
}

# place NAME - sets $transport, and $value to where the disk is plugged in, by the names that udev's path_id gives
place() {
  target=$(readlink -f "$sys/block/$1/device")
  pci='' host='' ata='' transport='' value=''
  oldIFS=$IFS IFS=/
  for part in $target; do
    case $part in
      *[0-9a-f]:[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f].[0-7]) pci=$part ;;
      ata[0-9]*) ata=$part ;;
      host[0-9]*) host=$part ;;
    esac
  done
  IFS=$oldIFS
  case $target in
    */usb[0-9]*) transport=usb ;;
    */nvme/*) transport=nvme && line "$sys/block/$1/nsid" && value=-nvme-$value ;;
    */ata[0-9]*) transport=sata && line "${target%%/"$ata"/*}/$ata/ata_port/$ata/port_no" && value=-ata-$value ;;
    */host[0-9]*)
      transport=scsi
      address=${target##*/} # host:channel:target:lun
      if line "$target/sas_address" && [ "$value" ]; then
        transport=sas value=-sas-$value-lun-${address##*:}
      else
        # Hosts are numbered as they come up; within one adapter they keep their order.
        lowest=${address%%:*}
        for other in "${target%%/"$host"/*}"/host[0-9]*; do
          [ "${other##*/host}" -ge "$lowest" ] || lowest=${other##*/host}
        done
        value=-scsi-$((${address%%:*} - lowest)):${address#*:}
      fi
      ;;
    */virtio[0-9]*) transport=virtio ;;
  esac
  if [ "$pci" ]; then value=pci-$pci$value; else value=''; fi
}

# partitions NAME - the names of a disk's partitions
partitions() {
  for part in "$sys/block/$1/$1"*; do [ ! -e "$part/partition" ] || echo "${part##*/}"; done
}
# user NAME - sets $value to what uses the disk or a partition of it: a mapping, RAID, swap, a mounted file system
user() {
  value=''
  for part in "$1" $(partitions "$1"); do
    directory=$sys/block/$1
    [ "$part" = "$1" ] || directory=$directory/$part
    for holder in "$directory"/holders/*; do
      [ ! -e "$holder" ] || { value=${holder##*/} && return; }
    done
    for table in "$proc/mounts" "$proc/swaps"; do
      [ -r "$table" ] || continue
      while read -r source where _; do
        [ "$source" != "$dev/$part" ] || { value=$where && return; }
      done <"$table"
    done
  done
}

# list_disks FILTER - the machine's block devices, as what jq's FILTER makes of a list of objects. One run of jq: it takes a
# third of a second to start on a slow machine.
list_disks() {
  separator=$(printf '\037')
  for device in "$sys"/block/*; do
    name=${device##*/}
    printf %s "$name"
    for file in size queue/logical_block_size ro removable queue/rotational; do
      line "$device/$file"
      printf '%s%s' "$separator" "$value"
    done
    line "$device/device/model" && printf '%s%s' "$separator" "$value"
    line "$device/serial" "$device/device/serial" "$device/device/vpd_pg80" && printf '%s%s' "$separator" "$value"
    line "$device/wwid" "$device/device/wwid" && printf '%s%s' "$separator" "$value"
    place "$name" && printf '%s%s%s%s' "$separator" "$transport" "$separator" "$value"
    user "$name" && printf '%s%s\n' "$separator" "$value"
  done 2>/dev/null | jq -R -n -r -c '
    [inputs | split("\u001f") | map(gsub("[\\p{Cc}\\s]+"; " ") | gsub("^ | $"; "") | .[:200])
      | . as [$name, $sectors, $sectorBytes, $readOnly, $removable, $rotational, $model, $serial, $wwn, $transport, $path, $usedBy]
      | { $name, sizeBytes: (($sectors | tonumber? // 0) * 512), sectorBytes: ($sectorBytes | tonumber? // 512),
          readOnly: ($readOnly == "1"), removable: ($removable == "1"), rotational: ($rotational != "0"),
          $transport, $model, $serial, wwn: (if $wwn | startswith("t10.") then "" else $wwn end), $path, $usedBy }
      | with_entries(select(.value != ""))] | '"$1"
}

# find_disk - sets $name and $disk to the device that DISK_ID means now: names may have changed since it was chosen
find_disk() {
  name=$(list_disks '.[] | select(.[env.DISK_ID | sub(":.*"; "")] == (env.DISK_ID | sub("^[^:]*:"; ""))) | .name') ||
    fail "the disks of this machine cannot be listed"
  case $name in
    '') fail "the disk that was chosen is gone: no disk has the $DISK_ID" ;;
    *[!a-zA-Z0-9!_-]*) fail "several disks have the $DISK_ID: $(echo "$name" | tr '\n' ' ')" ;;
  esac
  disk=$dev/$(echo "$name" | tr '!' /)
  [ -b "$disk" ] || fail "$disk is no block device"
  line "$sys/block/$name/size"
  disk_bytes=$((value * 512))
  [ "$disk_bytes" = "${DISK_BYTES:-$disk_bytes}" ] || fail "$disk has $disk_bytes bytes, and the disk that was chosen has $DISK_BYTES"
}
# take_disk - refuses a disk that is used; holds a lock on it until the last process of this script has ended, so that
# there never are two writers
take_disk() {
  user "$name"
  [ -z "$value" ] || fail "$disk is in use by $value"
  exec 9<>"$disk" || fail "$disk cannot be opened"
  flock -w 60 9 || fail "another process writes to $disk"
}

# server - sets $url to the server's
server() {
  url=$(sed -n 's/.*"url": *"\([^"\\]*\)".*/\1/p' "$identity")
  [ "$url" ] || fail "there is no server in $identity"
}
# settings PATH... - prints curl's settings for what belongs to this deployment, each to a file of its last name. The token
# stands in settings only: every process can read the arguments of another.
settings() {
  for path; do printf 'url = "%s/deploy/%s/%s"\noutput = "%s"\n' "$url" "$DEPLOY_TOKEN" "$path" "${path##*/}"; done
}
