#include "runtime/model/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <string_view>

#include "absl/strings/escaping.h"

namespace fathom {

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void Sha256::Update(const void* data, size_t size_bytes) {
  EVP_DigestUpdate(context_.get(), data, size_bytes);
}

std::string Sha256::Hex(size_t digits) {
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), digest.size()})
      .substr(0, digits);
}

}  // namespace fathom
