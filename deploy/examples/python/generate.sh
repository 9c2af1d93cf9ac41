#!/usr/bin/env bash
# Makes a virtual environment with grpcio in ./venv and the stubs of fathom.v1 in ./generated.
#
#   deploy/examples/python/generate.sh

set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
proto="$here/../../../proto"

python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
# google/rpc/*.proto and their Python modules come with googleapis-common-protos.
rpc=$("$here/venv/bin/python" -c 'import google.rpc, os; print(os.path.dirname(list(google.rpc.__path__)[0]))')
mkdir -p "$here/generated"
"$here/venv/bin/python" -m grpc_tools.protoc -I "$proto" -I "$(dirname "$rpc")" \
  --python_out="$here/generated" --pyi_out="$here/generated" --grpc_python_out="$here/generated" \
  "$proto"/fathom/v1/*.proto
echo "stubs are in $here/generated; run $here/venv/bin/python $here/predict.py"
