#!/usr/bin/env bash
# Asks a server with grpcurl, which learns the API from the server itself (reflection).
#
#   deploy/examples/grpcurl.sh [HOST:PORT [TASK]]
#
# Get it with: go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4

set -euo pipefail
address=${1:-127.0.0.1:8500}
task=${2:-topic}
text='A ship is a large vessel that carries people across the sea.'

ask() { (set -x && grpcurl -plaintext "$@"); }

ask "$address" list
ask "$address" describe fathom.v1.PredictRequest
ask "$address" grpc.health.v1.Health/Check
ask "$address" fathom.v1.InferenceService/GetServerInfo
ask -d '{"page_size": 2}' "$address" fathom.v1.InferenceService/ListTasks
# n as the task has it, then exactly 3, then the smallest n within 20 ms.
ask -d "{\"inputs\": [{\"text\": \"$text\"}], \"tasks\": [{\"name\": \"$task\"}]}" \
  "$address" fathom.v1.InferenceService/Predict
ask -d "{\"inputs\": [{\"text\": \"$text\"}], \"tasks\": [{\"name\": \"$task\",
  \"depth\": {\"skip_layers\": 3}}], \"options\": {\"top_k\": 2}}" \
  "$address" fathom.v1.InferenceService/Predict
ask -d "{\"inputs\": [{\"text\": \"$text\"}], \"tasks\": [{\"name\": \"$task\"}],
  \"depth\": {\"latency_budget\": \"0.020s\"}}" \
  "$address" fathom.v1.InferenceService/Predict
