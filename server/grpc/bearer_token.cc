#include "server/grpc/bearer_token.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

constexpr size_t kMinBytes = 16;
constexpr size_t kMaxBytes = 4096;

}  // namespace

absl::StatusOr<BearerToken> BearerToken::FromFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read the token file ", path));
  std::string token(kMaxBytes + 2, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<size_t>(file.gcount()));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (token.size() < kMinBytes || token.size() > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the token file ", path, " holds ", token.size(),
                                                   " characters, a token has ", kMinBytes, " to ",
                                                   kMaxBytes));
  }
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F; })) {
    return absl::InvalidArgumentError(
        absl::StrCat("the token file ", path,
                     " holds a space, a second line or a character that is not printable ASCII"));
  }
  return BearerToken("Bearer " + token);
}

absl::Status BearerToken::Check(const grpc::CallbackServerContext& context) const {
  if (expected_.empty()) return absl::OkStatus();
  const auto [first, last] = context.client_metadata().equal_range("authorization");
  if (first == last) {
    return absl::UnauthenticatedError(
        "this server asks for the metadata \"authorization: Bearer TOKEN\"");
  }
  const grpc::string_ref given = first->second;
  if (std::next(first) != last || given.size() != expected_.size() ||
      CRYPTO_memcmp(given.data(), expected_.data(), expected_.size()) != 0) {
    return absl::UnauthenticatedError("not this server's token");
  }
  return absl::OkStatus();
}

}  // namespace fathom
