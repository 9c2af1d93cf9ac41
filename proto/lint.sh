#!/bin/sh
# Checks the wire: every file compiles; buf, where it is installed, lints fathom/ and compares it with
# the last released state for breaking changes.
# usage: proto/lint.sh GOOGLEAPIS_DIR
# FATHOM_PROTO_BASE: the git revision that must not be broken (default: origin/main).
set -eu
googleapis=${1:?usage: proto/lint.sh GOOGLEAPIS_DIR}
proto=$(cd "$(dirname "$0")" && pwd)
base=${FATHOM_PROTO_BASE:-origin/main}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile PROTO_DIR IMAGE: all files under PROTO_DIR with their imports as one descriptor set.
compile() {
  (cd "$1" && find . -name '*.proto' | sed 's|^\./||' | sort |
    xargs protoc -I. "-I$googleapis" --include_imports --include_source_info \
      "--descriptor_set_out=$2")
}

compile "$proto" "$work/now.binpb"
echo "compiled: every .proto file"

if ! command -v buf >/dev/null; then
  echo "skipped: buf lint and buf breaking (buf is not installed)"
  exit 0
fi
buf lint "$work/now.binpb" --config "$proto/buf.yaml" --path fathom
echo "passed: buf lint"

root=$(git -C "$proto" rev-parse --show-toplevel 2>/dev/null || true)
if [ -z "$root" ] || ! git -C "$root" cat-file -e "$base:proto/fathom" 2>/dev/null; then
  echo "skipped: buf breaking (no proto/fathom in $base to compare with)"
  exit 0
fi
git -C "$root" archive "$base" proto | tar -x -C "$work"
compile "$work/proto" "$work/base.binpb"
buf breaking "$work/now.binpb" --config "$proto/buf.yaml" --against "$work/base.binpb" --path fathom
echo "passed: buf breaking against $base"
