# Starting and stopping a fathom-server of this checkout in the background.
# Needs common.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034  # addresses are read by the script that sources this one

SERVER_STATE_DIR="$FATHOM_ROOT/build/quickstart"
server_log="$SERVER_STATE_DIR/server.log"
server_start_seconds=60

# port_in FILE NAME: a number of the server's port file, {"grpc": …, "metrics": …}.
port_in() { sed -n "s/.*\"$2\": *\([0-9][0-9]*\).*/\1/p" "$1"; }

# start_server PROGRAM ARGUMENTS…: returns when it answers; sets server_pid, server_address and
# metrics_address. A session of its own: Ctrl-C in this terminal does not reach it.
start_server() {
  local port_file="$SERVER_STATE_DIR/ports.json" program=$1
  shift
  mkdir -p "$SERVER_STATE_DIR"
  rm -f "$port_file"
  setsid "$program" "$@" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
    --port-file "$port_file" >"$server_log" 2>&1 </dev/null &
  server_pid=$!
  printf '%d' "$server_pid" >"$SERVER_STATE_DIR/server.pid"
  # shellcheck disable=SC2064  # the process that runs now
  trap "stop_server $server_pid" EXIT
  wait_for_port_file "$port_file"
  server_address="127.0.0.1:$(port_in "$port_file" grpc)"
  metrics_address="127.0.0.1:$(port_in "$port_file" metrics)"
}

wait_for_port_file() {
  local deadline=$((SECONDS + server_start_seconds))
  until [[ -f $1 && -n $(port_in "$1" grpc) ]]; do
    if ! kill -0 "$server_pid" 2>/dev/null || ((SECONDS > deadline)); then
      tail -n 30 "$server_log" >&2
      die "the server did not start; its log is in $server_log"
    fi
    sleep 0.1
  done
}

# stop_server PID: asks it to finish what it accepted, and waits for that.
stop_server() {
  kill -TERM "$1" 2>/dev/null || return 0
  while kill -0 "$1" 2>/dev/null; do sleep 0.1; done
}

# The server that an earlier quick start of this checkout left running, if it still does.
stop_earlier_server() {
  local pid file="$SERVER_STATE_DIR/server.pid"
  [[ -f $file ]] || return 0
  pid=$(<"$file")
  if [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$FATHOM_ROOT"/build/* ]]; then
    note "stopping the server of an earlier quick start, process $pid"
    stop_server "$pid"
  fi
  rm -f "$file"
}
