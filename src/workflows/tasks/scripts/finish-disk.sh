# shellcheck shell=sh
# Makes the written disk DISK_ID this node's own: the copy of a GPT goes to the disk's end, the last partition grows as far
# as it can, cloud-init's seed gets a partition of its own behind it (with CLOUD_INIT=yes), and on UEFI the firmware gets
# a boot entry. It can be run again: what it made the last time is made anew.
seed_sectors=8192 # 4 MiB; the documents have 64 KiB of user data at most, in base64
align=2048        # sectors: 1 MiB
entry=Rackwright  # label of the firmware's boot entry
mounted=${RACKWRIGHT_MOUNTED:-/run/rackwright/mounted}

# read_table - makes the file `table`: a line for each partition in the order in which they lie, with node, start, size and
# type; sets $end to the last sector that a partition can have
read_table() {
  sfdisk -d "$disk" >dump 2>table.error || fail "the partition table of $disk cannot be read: $(head -n 1 table.error)"
  awk -F ' : ' '/ : / { print $1, field($2, "start"), field($2, "size"), field($2, "type") }
    function field(text, name) { sub(".*" name "= *", "", text); sub(",.*", "", text); return text }' dump | sort -n -k 2 >table
  end=$(sed -n 's/^last-lba: *//p' dump)
  all=$((disk_bytes / 512))
  [ "$end" ] || end=$(((all < 4294967296 ? all : 4294967296) - 1))
}
# number NODE - prints a partition's number
number() { echo "${1##*[!0-9]}"; }
# what NODE TAG - prints what the bytes on a partition say it is (TYPE, LABEL)
what() { blkid -p -s "$2" -o value "$1" 2>/dev/null; }
# change ARGUMENTS... - has sfdisk change the table, and the kernel read it
change() {
  sfdisk -q --wipe never --wipe-partitions never "$@" 2>table.error || fail "the partition table of $disk cannot be changed: $(head -n 1 table.error)"
  partx -u "$disk" 2>/dev/null || blockdev --rereadpt "$disk" 2>/dev/null
}

# A seed of the time before, or of the image itself, would compete with ours.
remove_seeds() {
  while read -r node _; do
    case $(what "$node" LABEL) in [Cc][Ii][Dd][Aa][Tt][Aa]) echo "$node" ;; esac
  done <table >seeds
  [ -s seeds ] || return
  while read -r node; do
    change --delete "$disk" "$(number "$node")"
  done <seeds
  partx -d "$disk" 2>/dev/null
  partx -a "$disk" 2>/dev/null
  read_table
}

# get_documents - fetches the seed; waits for a server that is away
get_documents() {
  # shellcheck disable=SC2046 # four paths
  settings $(for document in $documents; do echo "disk-seed/$document"; done) >documents.curl
  pause=1 waited=0
  until curl -sS -f --fail-early -K documents.curl --connect-timeout 5 --max-time 60 -w '%{http_code}\n' >codes 2>curl.error; do
    ! grep -q 404 codes || fail "the seed cannot be had: the deployment has ended"
    [ "$waited" -lt "$patience" ] || fail "the seed cannot be had: $(head -n 1 curl.error)"
    sleep "$pause"
    waited=$((waited + pause)) pause=$((pause < 16 ? pause * 2 : 30))
  done
}

# add_seed - makes the seed's partition at the disk's end; sets $end to the last sector before it
add_seed() {
  used=$(awk '{ last = $2 + $3 } END { print last + 0 }' table)
  from=$(((end + 1 - seed_sectors) / align * align))
  [ "$from" -ge "$used" ] || fail "$disk has no room for cloud-init's seed behind the image: $(((seed_sectors + align) / 2048)) MiB are needed"
  case $kind in gpt) type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 ;; *) type=c ;; esac
  echo "start=$from, size=$seed_sectors, type=$type" | change --append "$disk" || exit
  read_table
  seed=$(awk -v from="$from" '$2 == from { print $1 }' table)
  before 5 test -b "$seed" || fail "the kernel does not see the seed's partition $seed"
  documents='meta-data user-data vendor-data network-config'
  get_documents
  mkfs.vfat -n CIDATA "$seed" >/dev/null 2>mkfs.error || fail "no file system can be made on $seed: $(head -n 1 mkfs.error)"
  # shellcheck disable=SC2086 # four names
  { mount -t vfat "$seed" "$mounted" && cp $documents "$mounted" && umount "$mounted"; } 2>mount.error || fail "the seed cannot be written to $seed: $(head -n 1 mount.error)"
  blockdev --flushbufs "$seed"
  mount -t vfat -o ro "$seed" "$mounted" || fail "$seed cannot be read"
  for document in $documents; do
    cmp -s "$document" "$mounted/$document" || fail "$seed does not keep the seed's $document"
  done
  umount "$mounted"
  end=$((from - 1))
}
# before SECONDS COMMAND... - waits for what COMMAND looks for, at most so long
before() {
  tries=$(($1 * 10))
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}

# grow - the last partition gets all the room up to $end, and so does its file system where that can be done without
# mounting it (ext4); the others grow at the first boot, by cloud-init
grow() {
  read -r node start size <<LAST
$(awk -v end="$end" '$2 <= end { last = $1 " " $2 " " $3 } END { print last }' table)
LAST
  [ "$node" ] || return
  filesystem=$(what "$node" TYPE)
  case $filesystem in ext[234] | xfs | btrfs) ;; *) return ;; esac
  n=$(number "$node")
  # A logical partition cannot outgrow its extended one.
  [ "$kind" = gpt ] || [ "$n" -le 4 ] || return
  wanted=$(((end + 1 - start) / align * align))
  if [ "$wanted" -gt "$size" ]; then
    echo ",$wanted" | change -N "$n" "$disk" || exit
    before 5 has_sectors "$node" "$wanted" || fail "the kernel does not see that $node has grown"
  fi
  case $filesystem in ext[234]) grow_ext "$node" ;; esac
  grown=$node
}
has_sectors() { line "$sys/block/$name/${1##*/}/size" && [ "$value" = "$2" ]; }
grow_ext() {
  e2fsck -fy "$1" >e2fsck.out 2>&1
  [ $? -le 1 ] || fail "the file system on $1 is damaged: $(tail -n 1 e2fsck.out)"
  resize2fs "$1" >resize.out 2>&1 || fail "the file system on $1 cannot grow: $(tail -n 1 resize.out)"
}

# boot_entry - the firmware boots this disk from now on. Not a reason to fail: it finds \EFI\BOOT by itself, mostly.
boot_entry() {
  [ -d "$sys/firmware/efi/efivars" ] || return 0
  esp=$(awk 'tolower($4) == "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" || tolower($4) == "ef" { print $1; exit }' table)
  [ "$esp" ] || return 0
  mount -t vfat -o ro "$esp" "$mounted" 2>/dev/null || return 0
  loader=$(find "$mounted/EFI" -maxdepth 3 -type f 2>/dev/null | sed "s|^$mounted||" | awk '
    tolower($0) ~ /\/(bootx64|shimx64|grubx64)\.efi$/ { rank = tolower($0) ~ /bootx64/ ? 1 : tolower($0) ~ /shim/ ? 2 : 3
      if (!best || rank < best) { best = rank; path = $0 } } END { print path }' | tr / '\134')
  umount "$mounted"
  [ "$loader" ] || return 0
  for old in $(efibootmgr | sed -n "s/^Boot\([0-9A-F]\{4\}\)[* ] $entry\(\t.*\)\{0,1\}\$/\1/p"); do
    efibootmgr -q -B -b "$old"
  done
  if efibootmgr -q -c -d "$disk" -p "$(number "$esp")" -L "$entry" -l "$loader" 2>efibootmgr.error; then
    booted=$loader
  else
    echo "the firmware takes no boot entry: $(head -n 1 efibootmgr.error)" >&2
  fi
}

mkdir -p "$mounted"
umount "$mounted" 2>/dev/null # an attempt before this one may have been ended in the middle
find_disk
take_disk
server
grown='' seed='' booted=''
kind=$(what "$disk" PTTYPE)
case $kind in
  gpt | dos)
    [ "$kind" != gpt ] || change --relocate gpt-bak-std "$disk"
    read_table
    if [ "$CLOUD_INIT" = yes ]; then
      remove_seeds
      add_seed
    fi
    grow
    boot_entry
    ;;
  *) [ "$CLOUD_INIT" != yes ] || fail "there is no partition table on $disk, so there is no place for cloud-init's seed: is this a disk image?" ;;
esac
sync "$disk"
blockdev --flushbufs "$disk"
printf '{"grown":"%s","seed":"%s","bootEntry":"%s"}\n' "$grown" "$seed" "$(printf %s "$booted" | sed 's/\\/&&/g')"
