#!/bin/sh
# The agent of the discovery OS: docs/agent-protocol.md. The server serves it, so agent and server always agree; the
# ramdisk's init fetches and runs it at every boot. It exchanges the identity of this boot for a session, then asks for
# work, does it once and delivers the result, until the server says that the machine shall reboot.
# Exit status: 3 refused for good; anything else: init fetches the agent again.
set -u
identity=${RACKWRIGHT_IDENTITY:-/rackwright/identity.json}
state=${RACKWRIGHT_STATE:-/run/rackwright}
sys=${RACKWRIGHT_SYS:-/sys}
proc=${RACKWRIGHT_PROC:-/proc}
output_limit=${RACKWRIGHT_OUTPUT_LIMIT:-16777216} # bytes: all outputs of one attempt together
delay_limit=${RACKWRIGHT_DELAY_LIMIT:-300}        # tenths of a second: the longest pause between two tries
umask 077
mkdir -p "$state/attempts"
url=$(jq -er .url "$identity") || exit 1

say() { echo "RACKWRIGHT $*"; }
# The pause between tries doubles from 0.2 s; `calm` begins again. What succeeds at once, every time, must not spin.
calm() { delay=2; }
pause() {
  sleep "$((delay / 10)).$((delay % 10))"
  delay=$((delay * 2))
  [ "$delay" -le "$delay_limit" ] || delay=$delay_limit
}
# call SECONDS PATH [CURL ARGUMENTS] - sets $code (000: no answer); the body is in $state/answer. The session's token
# stands in a file, because every process can read the arguments of another.
call() {
  seconds=$1 path=$2 && shift 2
  : >"$state/answer"
  code=$(curl -sS --path-as-is --globoff --connect-timeout 5 --max-time "$seconds" -H "@$state/headers" -o "$state/answer" -w '%{http_code}' "$@" "$url$path" 2>"$state/curl-error") || code=000
}
refused() { say "agent refused: $(jq -r '.message // .detail' "$state/answer" 2>/dev/null)" && exit 3; }

# Exchanges the identity for a session; tries until it is told yes or no.
open_session() {
  for port in "$sys"/class/net/*; do
    [ ! -e "$port/device" ] || cat "$port/address"
  done | jq -R -n --slurpfile identity "$identity" --arg kernel "$(cat "$proc/sys/kernel/random/boot_id")" \
    --arg uuid "$(cat "$sys/class/dmi/id/product_uuid" 2>/dev/null)" \
    '$identity[0] | { bootId, secret, kernelBootId: $kernel, macs: [inputs] } + if $uuid == "" then {} else { uuid: ($uuid | ascii_downcase) } end' >"$state/exchange"
  while :; do
    echo 'content-type: application/json' >"$state/headers"
    call 30 /agent/session --data-binary "@$state/exchange"
    [ "$code" != 403 ] || refused
    if [ "$code" = 200 ] && session=$(jq -er '.session | strings | select(test("^[!-~]+$"))' "$state/answer" 2>/dev/null); then
      echo "authorization: Bearer $session" >>"$state/headers"
      say "agent session $(jq -r .nodeId "$state/answer")"
      return
    fi
    pause
  done
}

# keep STREAM - copies descriptor 3 to $attempt/STREAM. What is beyond the limit is read and thrown away, so that the
# command can go on: cat fails at the file size limit, not the command.
keep() {
  trap 'kill "$cat" && exit' TERM
  trap '' XFSZ
  ulimit -f "$((left / 512 + 1))"
  cat <&3 >"$attempt/$1" & cat=$!
  wait "$cat" || { cat <&3 >/dev/null & cat=$! && wait "$cat"; }
}
# run NUMBER - runs one command; leaves its output in $attempt/NUMBER.out and .err, its result in .json (its status in $code)
# shellcheck disable=SC2086 # $keepers: two process ids
run() {
  command='' source='' code=0 more=''
  eval "command=\$command_$1 source=\$source_$1"
  out=$attempt/out.$1 err=$attempt/err.$1 # new pipes each time: a process left behind may hold the old ones
  mkfifo "$out" "$err"
  keep out 3<"$out" 2>/dev/null & keeper=$!
  keep err 3<"$err" 2>/dev/null & keepers="$keeper $!"
  {
    if [ "$source" ]; then
      case $source in /*) source=$url$source ;; esac
      file=${source%%[?#]*} && file=${file##*/}
      curl -fsS --connect-timeout 10 --retry 3 --max-time "$seconds_each" -o "$file" "$source" && chmod 0555 "$file"
      code=$?
    fi
    if [ "$code" = 0 ]; then
      printf '%s\n' "$environment" "$command" >"$attempt/script"
      timeout --kill-after=5 "$seconds_each" sh "$attempt/script" & echo "$!" >"$attempt/group"
      wait "$!"
      code=$?
      [ "$code" != 124 ] || more=',"timedOut":true'
    fi
  } </dev/null >"$out" 2>"$err"
  # A process that the command left behind may hold the pipes: what it writes later is not waited for.
  (sleep 1 && kill $keepers) >/dev/null 2>&1 &
  wait $keepers
  kill $! 2>/dev/null
  for file in $(stat -c '%s:%n' "$attempt/out" "$attempt/err"); do
    size=${file%%:*}
    if [ "$size" -gt "$left" ]; then
      truncate -s "$left" "${file#*:}"
      size=$left more="$more,\"truncated\":true"
    fi
    left=$((left - size))
  done
  result=$attempt/$(printf %06d "$1")
  echo "{\"code\":$code$more}" >"$attempt/result.new"
  mv "$attempt/out" "$result.out" && mv "$attempt/err" "$result.err" && mv "$attempt/result.new" "$result.json"
}

# What the answer asks for, as assignments for this shell: one run of jq, because each costs a slow machine a moment.
# shellcheck disable=SC2016 # jq's variables
plan='
  if (.attempt | type == "string" and length <= 200 and test("^[!-.0-~]+(/[!-.0-~]+){2}$")) and (.commands | type == "array" and all(.command | type == "string"))
    and (.timeoutSeconds // 600 | type == "number" and . >= 1 and . <= 604800) then
    "name=\(.attempt | @sh) folder=\(.attempt | gsub("/"; "%2F") | @sh)",
    "seconds_each=\(.timeoutSeconds // 600 | ceil) stop=\(.stopOnError == true) afterwards=\(.then // "" | tostring | @sh)",
    "environment=\([.environment // {} | to_entries[] | select(.key | test("^[A-Za-z_][A-Za-z0-9_]*$")) | "export \(.key)=\(.value | tostring | @sh)"] | join("\n") | @sh)",
    (.commands | "count=\(length)", (to_entries[] | "command_\(.key)=\(.value.command | @sh) source_\(.key)=\(.value.downloadUrl // "" | tostring | @sh)"))
  else error("this is no work") end'
# Runs the attempt in $state/answer, unless this boot has run it before; then delivers its report.
take_work() {
  assignments=$(jq -er "$plan" "$state/answer" 2>/dev/null) || return 1
  name='' folder='' seconds_each='' stop='' afterwards='' environment='' count=''
  eval "$assignments"
  attempt=$state/attempts/at-$folder
  if mkdir "$attempt" "$attempt/files" 2>/dev/null; then perform; else pause; fi
  [ -e "$attempt/report.json" ] || write_report '{"code":125,"stdout":"","stderr":"the agent ended while this command ran","interrupted":true}'
  deliver
}
perform() {
  say "work $name"
  left=$output_limit number=0
  cd "$attempt/files" || exit 1
  while [ "$number" -lt "$count" ]; do
    run "$number"
    [ "$code" = 0 ] || [ "$stop" = false ] || break
    number=$((number + 1))
  done
  cd /
  write_report ''
}
# write_report RESULT - makes the body to deliver of the results there are, in order, and RESULT: one run of jq for all
write_report() {
  last=$1 results='' && set --
  for file in "$attempt"/[0-9]*.json; do
    index=$(($# / 6)) file=${file%.json}
    { read -r became <"$file.json"; } 2>/dev/null || continue
    results="$results${results:+, }$became + { stdout: \$out$index, stderr: \$err$index }"
    set -- "$@" --rawfile "out$index" "$file.out" --rawfile "err$index" "$file.err"
  done
  jq -cn "$@" "{ results: [$results${last:+${results:+, }$last}] }" >"$attempt/report.new"
  mv "$attempt/report.new" "$attempt/report.json"
  rm -rf "$attempt/files" "$attempt/script" "$attempt/group" "$attempt"/out* "$attempt"/err* "$attempt"/[0-9]*
}

# Delivers the report until the server takes it or says that it does not want it, then does what the work says is next.
deliver() {
  while :; do
    call 300 "/agent/attempts/$name" -H 'expect:' --data-binary "@$attempt/report.json"
    case $code in
      200 | 204)
        say "done $name"
        case $afterwards in
          reboot) end_machine reboot b ;;
          power-off) end_machine poweroff o ;;
        esac
        calm && return
        ;;
      401) open_session ;;
      403) refused ;;
      413) # too large for the server: let it know the codes at least
        jq '.results[] |= (.stdout = "" | .stderr = "" | .truncated = true)' "$attempt/report.json" >"$attempt/report.new"
        mv "$attempt/report.new" "$attempt/report.json"
        ;;
      408 | 429) ;;
      4??) # 409: the attempt is not current; others: sending the same body again would not help
        say "dropped $name ($code)"
        pause && return
        ;;
    esac
    pause
  done
}
# Ends the machine at once: nothing that runs here keeps anything.
end_machine() {
  say "$1"
  "$1" -f || echo "$2" >"$proc/sysrq-trigger"
  while :; do sleep 3600; done
}

# What an agent that was killed had begun lives on, in the process group that timeout made: it must not work beside ours.
for group in "$state"/attempts/*/group; do [ ! -e "$group" ] || kill -KILL "-$(cat "$group")" 2>/dev/null; done
calm
open_session
while :; do
  read -r began _ <"$proc/uptime"
  call 60 /agent/work
  case $code in
    200) take_work || pause ;;
    204) read -r now _ <"$proc/uptime" && if [ $((${now%.*} - ${began%.*})) -lt 2 ]; then pause; else calm; fi ;;
    401) pause && open_session ;;
    403) refused ;;
    *) pause ;;
  esac
done
