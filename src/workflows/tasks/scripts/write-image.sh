# shellcheck shell=sh
# Writes the deployment's image to the disk DISK_ID: IMAGE_BYTES with IMAGE_SHA256 in IMAGE_FORMAT, RAW_BYTES unpacked.
# The first MiB, with the partition table and the boot code, is written last, when all the rest is there and the checksum
# was right: until then the machine boots from the network, not half a system. So it can be ended at any moment, and
# begins anew the next time.

# fetch - the image to standard output; a broken transfer goes on at the byte where it broke
fetch() {
  exec 3>&1
  got=0 pause=1 waited=0
  until [ "$got" -ge "$IMAGE_BYTES" ]; do
    answer=$(curl -sS -f -K image.curl -r "$got-" --connect-timeout 5 --speed-limit 1 --speed-time 120 \
      -w '%{stderr}\n%{size_download} %{http_code} %{exitcode}\n' 2>&1 >&3)
    # shellcheck disable=SC2046 # three words
    set -- $(echo "$answer" | tail -n 1)
    came=$1
    case $2:$got in
      206:* | 200:0) ;;
      404:*) echo "the server has this image no more, or the deployment has ended" && return 1 ;;
      416:*) echo "the image ends after $got bytes, and $IMAGE_BYTES were promised" && return 1 ;;
      2*) echo "the server does not resume a broken transfer" && return 1 ;;
      *) came=0 ;;
    esac
    [ "$3" != 23 ] || return 1 # whoever reads this has ended, and says why
    got=$((got + came))
    if [ "$3" = 0 ]; then continue; fi
    [ "$came" = 0 ] || pause=1 waited=0
    if [ "$waited" -ge "$patience" ]; then
      echo "the transfer broke after $got bytes, and for $waited s nothing came: $answer" && return 1
    fi
    sleep "$pause"
    waited=$((waited + pause)) pause=$((pause < 16 ? pause * 2 : 30))
  done >fetch.error
  [ "$got" = "$IMAGE_BYTES" ] || echo "the image has $got bytes or more, and $IMAGE_BYTES were promised" >fetch.error
  [ "$got" = "$IMAGE_BYTES" ]
}
# unpack - zstd knows all formats by their beginning
unpack() { zstd -dcq 2>unpack.error; }
# write - all but the first MiB goes to the disk, as far as there is room for: one byte more would be too many
write() {
  head -c "$mib" >first || return
  exec 3<&0
  dd of="$disk" bs="$mib" seek=1 count=$((RAW_BYTES < mib ? 1 : RAW_BYTES - mib + 1)) iflag=fullblock,count_bytes \
    conv="notrunc,fsync$sparse" 2>write.error <&3 &
  echo "$!" >write.pid
  wait "$!"
}
# stage NAME - runs a stage of the pipeline and leaves its status: this shell has no pipefail
stage() {
  "$1"
  echo "$?" >"$1.status"
}
write_image() {
  mkfifo hash.pipe
  sha256sum <hash.pipe >checksum &
  hashing=$!
  if [ "$IMAGE_FORMAT" = raw ]; then
    stage fetch | tee hash.pipe | stage write
    echo 0 >unpack.status
  else
    stage fetch | tee hash.pipe | stage unpack | stage write
  fi
  wait "$hashing"
}

# Old data must not shine through the holes of a sparse image. Where the device can make zeros by itself, which takes
# next to no time, the image's range is made zero and holes are skipped; elsewhere every byte is written. That goes in steps:
# a disk that takes its time is not handed more at once than it does before the kernel gives it up (30 s a command on
# NVMe), and who kills this does not wait for all of it. The ends of the disk go first: a GPT has its second copy in the last.
clear_disk() {
  for at in 0 $((disk_bytes - mib)); do
    dd if=/dev/zero of="$disk" bs="$mib" count=1 seek="$at" oflag=seek_bytes conv=notrunc,fsync status=none || fail "$disk cannot be written to"
  done
  sparse=''
  line "$sys/block/$name/queue/write_zeroes_max_bytes"
  [ "${value:-0}" = 0 ] || ! blkdiscard -f --zeroout --step $((64 * mib)) --length $(((RAW_BYTES + 511) / 512 * 512)) "$disk" 2>/dev/null || sparse=,sparse
}

# hundredths - sets $now to the machine's time in hundredths of a second
hundredths() { read -r now _ <"$proc/uptime" && now=${now%.*}${now#*.}; }
# tell BYTES - says how far the writing is; sets $told to the server's status
tell() {
  told=$(curl -sS -K progress.curl --max-time 10 -o /dev/null -w '%{http_code}' -H 'content-type: application/json' \
    --data "{\"step\":\"write\",\"bytes\":$1,\"total\":$RAW_BYTES}" 2>/dev/null) || told=000
}
# follow - tells how far the writing is, every 2 s; on a slow machine, which needs its time for the writing, so seldom that
# telling takes a twentieth of it
follow() {
  rest=2
  while sleep "$rest"; do
    [ -s write.pid ] || continue
    pid=$(cat write.pid)
    position=''
    while read -r field number; do
      [ "$field" != pos: ] || position=$number
    done 2>/dev/null <"$proc/$pid/fdinfo/1"
    [ "$position" ] || continue
    hundredths && before=$now
    tell "$position"
    if [ "$told" = 404 ]; then
      echo "the deployment has ended" >ended
      kill "$pid" 2>/dev/null
    fi
    hundredths && rest=$(((now - before) / 5))
    rest=$((rest < 2 ? 2 : rest > 15 ? 15 : rest))
  done
}

# judge - sets $error to why the disk is not as it should be, in the order of cause and effect
judge() {
  error=''
  written=$(awk '/ bytes?[ ,]/ { print $1 }' write.error)
  written=$((${written:-0} + $(stat -c %s first)))
  if [ -s ended ]; then error=$(cat ended)
  elif [ "$(cat write.status)" != 0 ]; then error="writing to $disk failed: $(grep -v ' records ' write.error | head -n 1)"
  elif [ "$written" -gt "$RAW_BYTES" ]; then error="the image is larger than the $RAW_BYTES bytes that were promised"
  elif [ -s fetch.error ]; then error=$(cat fetch.error)
  elif [ "$(cat unpack.status)" != 0 ]; then error="the image cannot be unpacked: $(head -n 1 unpack.error)"
  elif [ "$(cut -d' ' -f1 checksum)" != "$IMAGE_SHA256" ]; then error="the image has another checksum than the $IMAGE_SHA256 that was promised: it has $(cut -d' ' -f1 checksum)"
  elif [ "$(cat fetch.status)" != 0 ]; then error="the transfer ended early"
  elif [ "$written" != "$RAW_BYTES" ]; then error="the image has $written bytes, and $RAW_BYTES were promised"
  fi
}

hundredths && began=$now
find_disk
take_disk
server
settings image | grep url >image.curl
settings progress | grep url >progress.curl
[ "$RAW_BYTES" -le "$disk_bytes" ] || fail "$disk is too small: the image has $RAW_BYTES bytes, the disk $disk_bytes"
tell 0
[ "$told" != 404 ] || fail "the deployment has ended"
clear_disk
follow 9>&- >/dev/null 2>&1 &
following=$!
write_image
kill "$following"
judge
[ -z "$error" ] || fail "$error"
dd if=first of="$disk" bs="$mib" conv=notrunc,fsync status=none || fail "the first MiB cannot be written to $disk"
blockdev --flushbufs "$disk"
head -c "$(stat -c %s first)" "$disk" | cmp -s - first || fail "$disk does not keep what is written to it"
blockdev --rereadpt "$disk" 2>/dev/null
tell "$RAW_BYTES"
hundredths
echo "{\"bytes\":$written,\"seconds\":$(((now - began) / 100)).$(((now - began) % 100 / 10))}"
