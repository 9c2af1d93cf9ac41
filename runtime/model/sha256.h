// SHA-256 of what is fed to it, by OpenSSL.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace fathom {

class Sha256 {
 public:
  Sha256();
  void Update(const void* data, size_t size_bytes);
  // The first `digits` hex digits of the digest, at most 64. Ends this object's use.
  std::string Hex(size_t digits);

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace fathom
