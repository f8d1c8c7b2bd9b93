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

# Starting a program costs an emulated or old processor from 4 ms (busybox) over 40 ms to 265 ms (jq, which is why it is
# started for messages only): what can be done by the shell alone is.
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
# text NAME FILE - sets $value to a text of the JSON in FILE, as the server writes it: in one line, without spaces, and
# without what would have to be escaped
text() {
  value='' json=''
  read -r json <"$2" || [ "$json" ] || return 1
  case $json in *"\"$1\":\""*'"'*) value=${json#*"\"$1\":\""} && value=${value%%'"'*} ;; esac
  case $value in '' | *[!!-~]* | *\\*) return 1 ;; esac
}

# Exchanges the identity for a session; tries until it is told yes or no.
open_session() {
  read -r kernel <"$proc/sys/kernel/random/boot_id"
  { text bootId "$identity" && boot=$value && text secret "$identity"; } || exit 1
  exchange="\"bootId\":\"$boot\",\"secret\":\"$value\",\"kernelBootId\":\"$kernel\"" macs=''
  for port in "$sys"/class/net/*; do
    [ -e "$port/device" ] && read -r mac <"$port/address" && macs="$macs${macs:+,}\"$mac\""
  done
  { read -r uuid <"$sys/class/dmi/id/product_uuid"; } 2>/dev/null && [ "$uuid" ] &&
    exchange="$exchange,\"uuid\":\"$(echo "$uuid" | tr A-F a-f)\""
  echo "{$exchange,\"macs\":[$macs]}" >"$state/exchange"
  while :; do
    : >"$state/headers"
    call 30 /agent/session -H 'content-type: application/json' --data-binary "@$state/exchange"
    [ "$code" != 403 ] || refused
    if [ "$code" = 200 ] && text session "$state/answer"; then
      echo "authorization: Bearer $value" >"$state/headers"
      text nodeId "$state/answer" && say "agent session $value"
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
# run NUMBER - runs one command; leaves its result in $attempt/result-NUMBER, and its status in $code
# shellcheck disable=SC2086 # $keepers: two process ids
run() {
  command='' source='' seconds='' accepted='' code=0 flags=-
  eval "command=\$command_$1 source=\$source_$1 seconds=\$seconds_$1 accepted=\$accepted_$1"
  out=$attempt/out.$1 err=$attempt/err.$1 # new pipes each time: a process left behind may hold the old ones
  mkfifo "$out" "$err"
  keep out 3<"$out" 2>/dev/null & keeper=$!
  keep err 3<"$err" 2>/dev/null & keepers="$keeper $!"
  {
    if [ "$source" ]; then
      case $source in /*) source=$url$source ;; esac
      file=${source%%[?#]*} && file=${file##*/}
      curl -fsS --connect-timeout 10 --retry 3 --max-time "$seconds" -o "$file" "$source" && chmod 0555 "$file"
      code=$?
    fi
    if [ "$code" = 0 ]; then
      printf '%s\n' "$environment" "$command" >"$attempt/script"
      timeout --kill-after=5 "$seconds" sh "$attempt/script" & echo "$!" >"$attempt/group"
      wait "$!"
      code=$?
      [ "$code" != 124 ] || flags=$flags,timedOut
    fi
  } </dev/null >"$out" 2>"$err"
  # A process that the command left behind may hold the pipes: what it writes later is not waited for.
  (sleep 1 && kill $keepers) >/dev/null 2>&1 &
  wait $keepers
  kill $! 2>/dev/null
  sizes=''
  for stream in out err; do
    size=$(wc -c <"$attempt/$stream")
    [ "$size" -le "$left" ] || { truncate -s "$left" "$attempt/$stream" && size=$left flags=$flags,truncated; }
    left=$((left - size)) sizes="$sizes $size"
  done
  { echo "result $code $flags$sizes" && cat "$attempt/out" "$attempt/err"; } >"$attempt/result.new"
  mv "$attempt/result.new" "$attempt/result-$((100000 + $1))" # so many that they sort
}

# Runs the attempt in $state/answer, unless this boot has run it before; then delivers its report.
take_work() {
  { read -r first <"$state/answer" && [ "$first" = '# rackwright work' ]; } || return 1
  attempt='' count='' stop='' afterwards='' environment=''
  # shellcheck source=/dev/null # docs/agent-protocol.md says what is in it
  . "$state/answer"
  name=$attempt folder='' rest=$attempt
  case $name in *?/?*/?*) ;; *) return 1 ;; esac
  while [ "$rest" != "${rest#*/}" ]; do folder=$folder${rest%%/*}%2F rest=${rest#*/}; done
  attempt=$state/attempts/at-$folder$rest
  if mkdir "$attempt" "$attempt/files" 2>/dev/null; then perform; else pause; fi
  if ! [ -e "$attempt/report" ]; then
    why='the agent ended while this command ran'
    printf 'result 125 -,interrupted 0 %s\n%s' "${#why}" "$why" >"$attempt/result-999999"
    write_report
  fi
  deliver
}
perform() {
  say "work $name"
  left=$output_limit number=0
  cd "$attempt/files" || exit 1
  while [ "$number" -lt "$count" ]; do
    run "$number"
    case $accepted in any | *" $code "*) ;; *) [ -z "$stop" ] || break ;; esac
    number=$((number + 1))
  done
  cd /
  write_report
}
# Makes the body to deliver of the results there are, in order.
write_report() {
  cat "$attempt"/result-* >"$attempt/report.new" 2>/dev/null
  mv "$attempt/report.new" "$attempt/report"
  rm -rf "$attempt/files" "$attempt/script" "$attempt/group" "$attempt"/out* "$attempt"/err* "$attempt"/result.new
}

# Delivers the report until the server takes it or says that it does not want it, then does what the work says is next.
deliver() {
  while :; do
    call 300 "/agent/attempts/$name" -H 'content-type: application/x-rackwright-report' -H 'expect:' --data-binary "@$attempt/report"
    case $code in
      200 | 204)
        say "done $name"
        [ "$afterwards" != reboot ] || end_machine reboot b
        [ "$afterwards" != power-off ] || end_machine poweroff o
        calm && return
        ;;
      401) open_session ;;
      403) refused ;;
      413) # too large for the server: let it know the codes at least, which stand in the first lines
        head -qn 1 "$attempt"/result-* | sed 's/ [0-9]* [0-9]*$/,truncated 0 0/' >"$attempt/report.new"
        mv "$attempt/report.new" "$attempt/report"
        ;;
      408 | 429) ;;
      4??) # 409: the attempt is not current; others: sending the same body again would not help
        say "dropped $name ($code)" && pause && return
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
text url "$identity" || exit 1
url=$value
open_session
while :; do
  read -r began _ <"$proc/uptime"
  call 60 /agent/work -H 'accept: text/x-shellscript'
  case $code in
    200) take_work || pause ;;
    204) read -r now _ <"$proc/uptime" && if [ $((${now%.*} - ${began%.*})) -lt 2 ]; then pause; else calm; fi ;;
    401) pause && open_session ;;
    403) refused ;;
    *) pause ;;
  esac
done
