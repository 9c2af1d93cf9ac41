# Pinned wheels: found through pip, so that pip's own configuration (mirrors, proxies) decides where
# they come from; downloaded by curl, which goes on where an interrupted run stopped.
# Needs common.sh.
# shellcheck shell=bash

FATHOM_PINS="$FATHOM_ROOT/deploy/pins.txt"
FATHOM_WHEELS_DIR="$FATHOM_CACHE_DIR/wheels"

# pin_of NAME: "version sha256"
pin_of() { awk -v name="$1" '$1 == name { print $2, $3 }' "$FATHOM_PINS"; }

# Where the wheel NAME lies once it is downloaded. The hash in the name keeps two pins apart.
wheel_path() {
  local version sha256
  read -r version sha256 < <(pin_of "$1")
  printf '%s/%s-%s-%s.whl' "$FATHOM_WHEELS_DIR" "$1" "$version" "${sha256:0:12}"
}

pinned_pip_folder() {
  local version
  read -r version _ < <(pin_of pip)
  printf '%s/pip-%s' "$FATHOM_CACHE_DIR" "$version"
}

# run_pip SUBCOMMAND ARGUMENTS…: the pinned pip once it is there, Debian's until then. The wheels
# are LibTorch's for CPython 3.11 whatever this machine runs: only their C++ parts are used.
run_pip() {
  local subcommand=$1
  shift
  PYTHONPATH="$(pinned_pip_folder)" PIP_USER=no PIP_REQUIRE_VIRTUALENV=no \
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    "$SYSTEM_PYTHON" -m pip "$subcommand" --quiet --no-deps --only-binary=:all: \
    --python-version 3.11 "$@"
}

# pip_download NAME VERSION FILE: the whole download by pip, which cannot go on after a cut.
pip_download() {
  local folder="$3.pip"
  rm -rf "$folder"
  run_pip download --dest "$folder" "$1==$2" || return 1
  mv "$folder"/*.whl "$3"
  rm -rf "$folder"
}

# Debian 12's pip downloads a whole wheel to look at it; the pinned one asks for its metadata only.
prepare_pip() {
  local version sha256 wheel folder
  read -r version sha256 < <(pin_of pip)
  folder=$(pinned_pip_folder)
  [[ -d $folder ]] && return
  wheel=$(wheel_path pip)
  pip_download pip "$version" "$wheel.part" || die "pip could not download pip $version"
  accept_wheel pip "$wheel.part" "$sha256"
  rm -rf "$folder.new"
  unzip -q "$wheel" -d "$folder.new"
  mv "$folder.new" "$folder"
}

# resolve_url NAME VERSION: where pip would download it from.
resolve_url() {
  local report
  report=$(mktemp)
  run_pip install --dry-run --ignore-installed --target "$report.none" --report "$report" \
    "$1==$2" >&2 || return 1
  "$SYSTEM_PYTHON" -c '
import json, sys
with open(sys.argv[1]) as report:
    print(json.load(report)["install"][0]["download_info"]["url"])' "$report"
  rm -f "$report"
}

# curl_download NAME VERSION FILE: goes on from what FILE already holds, also after a cut. (curl's
# own --retry would start again from where this call began.)
curl_download() {
  local url attempt status http_code progress=(--silent --show-error)
  url=$(resolve_url "$1" "$2") || return 1
  [[ -t 2 ]] && progress=(--progress-bar)
  for attempt in 1 2 3 4 5; do
    status=0
    http_code=$(curl --location --fail --continue-at - --connect-timeout 20 --speed-limit 1000 \
      --speed-time 60 "${progress[@]}" --write-out '%{http_code}' --output "$3" "$url") || status=$?
    ((status == 0)) && return
    # FILE is longer than the wheel, or what serves it cannot start in the middle: begin anew.
    ((http_code == 416 || status == curl_cannot_resume)) && rm -f "$3"
    sleep "$attempt"
  done
  return 1
}
curl_cannot_resume=33

hash_matches() { sha256sum --check --status <<<"$2  $1"; }

# accept_wheel NAME PART SHA256: PART becomes the wheel, or goes if it is not what was pinned.
accept_wheel() {
  local name=$1 part=$2 sha256=$3 actual
  if ! hash_matches "$part" "$sha256"; then
    actual=$(sha256sum "$part" | cut -d' ' -f1)
    rm -f "$part"
    die "$name has SHA-256 $actual, not the pinned $sha256; the file was deleted." \
      "Run this again; if it stays so, the place pip downloads from is not to be trusted"
  fi
  mv "$part" "${part%.part}"
}

# fetch_wheel NAME: the pinned wheel is in the cache after this.
fetch_wheel() { with_lock "$(wheel_path "$1").lock" fetch_wheel_locked "$1"; }

fetch_wheel_locked() {
  local name=$1 wheel version sha256
  wheel=$(wheel_path "$name")
  [[ -f $wheel ]] && return
  with_lock "$FATHOM_CACHE_DIR/pip.lock" prepare_pip
  read -r version sha256 < <(pin_of "$name")
  note "downloading $name $version$(resumed_note "$wheel.part")"
  # A whole file left by a run that ended just before it was accepted: curl has nothing to add.
  if ! { [[ -f $wheel.part ]] && hash_matches "$wheel.part" "$sha256"; } &&
    ! curl_download "$name" "$version" "$wheel.part"; then
    note "curl could not; pip tries"
    pip_download "$name" "$version" "$wheel.part" ||
      die "neither curl nor pip could download $name $version; run this again to go on"
  fi
  accept_wheel "$name" "$wheel.part" "$sha256"
}

resumed_note() {
  [[ -s $1 ]] && printf ', going on after %d MB' $(($(stat --format=%s "$1") / 1000000))
  return 0
}
