#include "server/client/affinity.h"

#include <cstdint>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace fathom {
namespace {

// FNV-1a: written down here because Abseil's hashes differ from process to process.
class Fnv {
 public:
  void AddByte(unsigned char byte) { hash_ = (hash_ ^ byte) * 0x100000001B3ULL; }
  void AddText(absl::string_view text) {
    for (const char c : text) AddByte(static_cast<unsigned char>(c));
    AddByte(0xFF);  // no byte of UTF-8: where one text ends and the next begins
  }
  void AddNumbers(const google::protobuf::RepeatedField<uint32_t>& numbers) {
    for (const uint32_t number : numbers) {
      for (int shift = 0; shift < 32; shift += 8) {
        AddByte(static_cast<unsigned char>(number >> shift));
      }
    }
    AddByte(0xFF);
  }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_ = 0xCBF29CE484222325ULL;
};

}  // namespace

std::string AffinityKey(const v1::Input& input) {
  Fnv fnv;
  switch (input.kind_case()) {
    case v1::Input::kText:
      fnv.AddText(input.text());
      break;
    case v1::Input::kPair:
      fnv.AddText(input.pair().first());
      fnv.AddText(input.pair().second());
      break;
    case v1::Input::kTokenIds:
      fnv.AddNumbers(input.token_ids().ids());
      fnv.AddNumbers(input.token_ids().segment_ids());
      break;
    case v1::Input::KIND_NOT_SET:
      break;
  }
  return absl::StrFormat("%016x", fnv.hash());
}

}  // namespace fathom
