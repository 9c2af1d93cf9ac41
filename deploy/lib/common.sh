# Shared by the deploy scripts: messages, timing, locks, and what this machine can carry.
# Source it; it runs nothing by itself.
# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here is read by the files that source this one

SYSTEM_PYTHON=/usr/bin/python3  # Debian's; one on PATH may have no pip
FATHOM_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
FATHOM_DEPS_DIR="$(readlink -m "${FATHOM_DEPS_DIR:-$FATHOM_ROOT/.deps}")"
FATHOM_CACHE_DIR="${XDG_CACHE_HOME:-${HOME:-$FATHOM_DEPS_DIR}/.cache}/fathom"

say() { printf '%s\n' "$*"; }
note() { printf '      %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Prints the comment block at the top of a script, from its second line on: the script's help.
print_help() { sed -n '2,/^$/s/^# \{0,1\}//p' "$1"; }

# 75 -> "1 m 15 s"
format_seconds() {
  local seconds=$1
  if ((seconds < 60)); then
    printf '%d s' "$seconds"
  else
    printf '%d m %02d s' $((seconds / 60)) $((seconds % 60))
  fi
}

# plan_steps COUNT, then begin_step TITLE EXPECTED before each step and end_step after it:
#   [2/5] Compile the server (expected: 4 min)
#         done in 3 m 40 s, 6 m 2 s since the start
plan_steps() {
  step_count=$1
  step_number=0
}

begin_step() {
  step_number=$((step_number + 1))
  step_title=$1
  step_started=$SECONDS
  printf '\n[%d/%d] %s (expected: %s)\n' "$step_number" "$step_count" "$step_title" "$2"
}

end_step() {
  local elapsed=$((SECONDS - step_started))
  finished_steps+=("$(printf '%-44s %s' "$step_title" "$(format_seconds "$elapsed")")")
  note "done in $(format_seconds "$elapsed"), $(format_seconds "$SECONDS") since the start"
}

finished_steps=()  # read by tests/run.sh

# with_lock FILE COMMAND…: one process at a time; says so when it has to wait.
with_lock() {
  local file=$1
  shift
  mkdir -p "$(dirname "$file")"
  (
    if ! flock --nonblock 9; then
      note "another run holds $file; waiting for it"
      flock 9
    fi
    "$@"
  ) 9>"$file"
}

# Memory this process may use, in MiB: the machine's, or its container's limit if that is lower.
memory_mib() {
  local total limit file
  total=$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo)
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    [[ -r $file ]] || continue
    limit=$(<"$file")
    [[ $limit =~ ^[0-9]{1,18}$ ]] || continue
    limit=$((limit / 1024 / 1024))
    ((limit < total)) && total=$limit
  done
  printf '%d' "$total"
}

# Parallel compilations: one a core and one for every 2 GB, whichever is fewer; 0 if not even one
# fits. A machine sold as 4 GB reports a little less, hence the 256 MiB.
compile_jobs() {
  local cores by_memory
  cores=$(nproc)
  by_memory=$((($(memory_mib) + 256) / 2048))
  printf '%d' $((cores < by_memory ? cores : by_memory))
}

# Free space, in MiB, of the disk that holds PATH or will hold it once it is made.
free_disk_mib() {
  local path=$1
  while [[ ! -e $path ]]; do path=$(dirname "$path"); done
  df --output=avail --block-size=1M "$path" | tail -n 1 | tr -d ' '
}

# Refuses a machine on which the build cannot work, before anything is installed or downloaded.
require_machine() {
  local free needed=6000
  # What an earlier run downloaded and unpacked needs no room again.
  [[ ! -f $FATHOM_DEPS_DIR/libtorch/.fathom_stamp ]] || needed=1000
  [[ $(uname -s) == Linux && $(uname -m) == x86_64 ]] ||
    die "this is $(uname -s) on $(uname -m); LibTorch's pinned build is for Linux on x86-64 only"
  command -v apt-get >/dev/null ||
    die "no apt-get here; the packages come from Debian 12"
  (($(compile_jobs) > 0)) ||
    die "$(memory_mib) MiB of memory; one compilation needs 2 GB. Use a machine with 2 GB or more"
  free=$(free_disk_mib "$FATHOM_DEPS_DIR")
  ((free >= needed)) ||
    die "$free MiB free for $FATHOM_DEPS_DIR; $needed MiB are needed. Free some," \
      "or name another disk with FATHOM_DEPS_DIR"
  warn_other_system
}

warn_other_system() {
  local system
  system=$(. /etc/os-release && printf '%s %s' "$ID" "${VERSION_ID:-}")
  [[ $system == 'debian 12' ]] ||
    warn "this is $system; the set-up is proved on Debian 12 and may find other package versions"
}
