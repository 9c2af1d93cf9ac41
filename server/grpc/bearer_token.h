// BearerToken: the secret that AdminService asks for.
#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fathom {

// Immutable; any thread.
class BearerToken {
 public:
  // No token: everyone may call.
  BearerToken() = default;

  // The first line of a file, which is the whole file: 16 to 4,096 printable ASCII characters
  // without a space. An error names the file and never what it holds.
  static absl::StatusOr<BearerToken> FromFile(const std::string& path);

  // UNAUTHENTICATED unless the metadata `authorization` is "Bearer TOKEN", or there is no token.
  // Takes equally long for every wrong token of the right length.
  absl::Status Check(const grpc::CallbackServerContext& context) const;

 private:
  explicit BearerToken(std::string expected) : expected_(std::move(expected)) {}

  std::string expected_;  // the whole metadata value; empty: no token
};

}  // namespace fathom
