// Messages from the wire. gRPC's own parsing answers UNIMPLEMENTED, without a word, for a string
// that is not UTF-8; this one says which field it is.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"

namespace fathom {

// INVALID_ARGUMENT names the first field that is not UTF-8 and the byte, or says that the bytes are
// no such message.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message* message);

// The reverse. REQUIRES: message is complete (proto3 messages are).
grpc::ByteBuffer SerializeMessage(const google::protobuf::Message& message);

}  // namespace fathom
