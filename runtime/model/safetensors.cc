#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/file/atomic_file.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/json_fields.h"
#include "runtime/model/tensor_file.h"

// The format: the header's length (8 bytes, little endian), a JSON header that gives each tensor's
// dtype, shape and byte range, and the bytes of all tensors without a gap.
namespace fathom {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors is little endian");

constexpr size_t kLengthBytes = sizeof(uint64_t);
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
constexpr size_t kMaxDimensions = 16;
constexpr std::string_view kMetadataKey = "__metadata__";

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 8> kDtypes = {{
    {"F32", at::kFloat},
    {"F16", at::kHalf},
    {"BF16", at::kBFloat16},
    {"F64", at::kDouble},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"U8", at::kByte},
    {"BOOL", at::kBool},
}};

// One entry of the header, its byte range relative to the end of the header.
struct Entry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

absl::Status TensorError(const std::string& name, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("tensor ", Quote(name), ": ", what));
}

// Nothing if `value` is not an array of integers from 0 to INT64_MAX.
std::optional<std::vector<int64_t>> ReadIntegers(const json* value) {
  if (value == nullptr || !value->is_array()) return std::nullopt;
  std::vector<int64_t> integers;
  for (const json& item : *value) {
    // The parser makes every integer without a sign an unsigned one.
    if (!item.is_number_unsigned()) return std::nullopt;
    const uint64_t number = item.get<uint64_t>();
    if (number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
    integers.push_back(static_cast<int64_t>(number));
  }
  return integers;
}

// Nothing if the product overflows.
std::optional<uint64_t> ByteCount(const std::vector<int64_t>& shape, at::ScalarType dtype) {
  uint64_t bytes = c10::elementSize(dtype);
  for (int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) return std::nullopt;
  }
  return bytes;
}

absl::StatusOr<Entry> ParseEntry(const std::string& name, const json& value, uint64_t data_bytes) {
  if (!value.is_object()) return TensorError(name, "its header entry is not an object");
  JsonFields fields(value);
  Entry entry;
  entry.name = name;

  const std::string dtype = fields.String("dtype");
  if (!fields.status().ok()) return TensorError(name, std::string(fields.status().message()));
  const auto* known = std::find_if(kDtypes.begin(), kDtypes.end(),
                                   [&dtype](const auto& pair) { return pair.first == dtype; });
  if (known == kDtypes.end()) {
    return TensorError(name, absl::StrCat("dtype ", Quote(dtype), " is not supported"));
  }
  entry.dtype = known->second;

  const std::optional<std::vector<int64_t>> shape = ReadIntegers(fields.Find("shape"));
  if (!shape) return TensorError(name, "shape is not a list of sizes");
  if (shape->size() > kMaxDimensions) {
    return TensorError(name, absl::StrCat("has more than ", kMaxDimensions, " dimensions"));
  }
  entry.shape = *shape;

  const std::optional<std::vector<int64_t>> offsets = ReadIntegers(fields.Find("data_offsets"));
  if (!offsets || offsets->size() != 2)
    return TensorError(name, "data_offsets is not [begin, end]");
  entry.begin = static_cast<uint64_t>((*offsets)[0]);
  entry.end = static_cast<uint64_t>((*offsets)[1]);
  if (entry.begin > entry.end || entry.end > data_bytes) {
    return TensorError(name, absl::StrCat("data_offsets [", entry.begin, ", ", entry.end,
                                          "] are not inside the ", data_bytes, " data bytes"));
  }
  const std::optional<uint64_t> bytes = ByteCount(entry.shape, entry.dtype);
  if (!bytes || *bytes != entry.end - entry.begin) {
    return TensorError(name,
                       absl::StrCat("shape [", absl::StrJoin(entry.shape, ", "), "] of ", dtype,
                                    " does not fill its ", entry.end - entry.begin, " bytes"));
  }
  return entry;
}

// Ranges must neither overlap nor leave a gap: the same bytes under two names, or bytes under none,
// are no file that a writer of this format makes.
absl::Status CheckRanges(std::vector<Entry>& entries, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end) {
      return TensorError(
          entry.name, absl::StrCat("begins at byte ", entry.begin,
                                   entry.begin < end ? ", inside the tensor before it, which ends"
                                                     : ", after a gap: the tensor before it ends",
                                   " at ", end));
    }
    end = entry.end;
  }
  if (end != data_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the tensors end at data byte ", end, " but the file has ", data_bytes, " data bytes"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Entry>> ParseHeader(std::string_view header, uint64_t data_bytes) {
  absl::StatusOr<json> object = ParseJsonObject(header);
  if (!object.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("header: ", object.status().message()));
  }
  std::vector<Entry> entries;
  for (const auto& [name, value] : object->items()) {
    if (name == kMetadataKey) continue;
    absl::StatusOr<Entry> entry = ParseEntry(name, value, data_bytes);
    if (!entry.ok()) return entry.status();
    entries.push_back(*std::move(entry));
  }
  if (absl::Status status = CheckRanges(entries, data_bytes); !status.ok()) return status;
  return entries;
}

// A view of the mapping, or a copy where a view would be misaligned or (a bool that is neither 0
// nor 1) unsafe to read.
absl::StatusOr<at::Tensor> MakeTensor(const std::shared_ptr<const MappedFile>& file,
                                      std::string_view bytes, const Entry& entry) {
  const char* data = bytes.data() + entry.begin;
  const uint64_t size = entry.end - entry.begin;
  if (entry.dtype == at::kBool &&
      !std::all_of(data, data + size, [](char byte) { return byte == 0 || byte == 1; })) {
    return TensorError(entry.name, "holds a BOOL that is neither 0 nor 1");
  }
  const bool aligned =
      reinterpret_cast<uintptr_t>(data) % c10::elementSize(entry.dtype) == 0 && size > 0;
  if (aligned) {
    return at::from_blob(
        const_cast<char*>(data), entry.shape, [file](void*) {}, at::TensorOptions(entry.dtype));
  }
  at::Tensor copy = at::empty(entry.shape, at::TensorOptions(entry.dtype));
  if (size > 0) std::memcpy(copy.mutable_data_ptr(), data, size);
  return copy;
}

absl::StatusOr<TensorMap> ReadMapped(const std::shared_ptr<const MappedFile>& file,
                                     TensorData data) {
  std::string_view bytes = file->bytes();
  if (bytes.size() < kLengthBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", bytes.size(), " bytes, too few for a safetensors header"));
  }
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  bytes.remove_prefix(kLengthBytes);
  if (header_bytes > kMaxHeaderBytes || header_bytes > bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat("its header of ", header_bytes,
                                                   " bytes is larger than the file (", file->size(),
                                                   " bytes) or the limit (", kMaxHeaderBytes, ")"));
  }
  const std::string_view header = bytes.substr(0, header_bytes);
  bytes.remove_prefix(header_bytes);

  absl::StatusOr<std::vector<Entry>> entries = ParseHeader(header, bytes.size());
  if (!entries.ok()) return entries.status();
  TensorMap tensors;
  for (const Entry& entry : *entries) {
    if (data == TensorData::kLeave) {
      tensors.emplace(entry.name,
                      at::empty(entry.shape, at::TensorOptions(entry.dtype).device(at::kMeta)));
      continue;
    }
    absl::StatusOr<at::Tensor> tensor = MakeTensor(file, bytes, entry);
    if (!tensor.ok()) return tensor.status();
    tensors.emplace(entry.name, *std::move(tensor));
  }
  return tensors;
}

// What is written, in the order of the bytes in the file.
struct Placed {
  std::string name;
  std::string_view dtype;
  at::Tensor tensor;  // CPU, contiguous
};

absl::StatusOr<std::vector<Placed>> PlaceTensors(const TensorMap& tensors) {
  std::vector<Placed> placed;
  for (const auto& [name, tensor] : tensors) {
    if (name == kMetadataKey) return TensorError(name, "the name is reserved");
    const auto* known = std::find_if(kDtypes.begin(), kDtypes.end(), [&tensor](const auto& pair) {
      return pair.second == tensor.scalar_type();
    });
    if (known == kDtypes.end()) {
      return TensorError(name, absl::StrCat("dtype ", c10::toString(tensor.scalar_type()),
                                            " has no safetensors form"));
    }
    placed.push_back({name, known->first, tensor.detach().cpu().contiguous()});
  }
  // Wider elements first, so that every tensor is aligned after an aligned header.
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return a.tensor.element_size() > b.tensor.element_size();
  });
  return placed;
}

std::string MakeHeader(const std::vector<Placed>& placed) {
  json header = {{kMetadataKey, {{"format", "pt"}}}};
  size_t begin = 0;
  for (const Placed& item : placed) {
    const size_t end = begin + item.tensor.nbytes();
    header[item.name] = {{"dtype", item.dtype},
                         {"shape", item.tensor.sizes().vec()},
                         {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');
  return text;
}

absl::Status WriteSafetensorsUnguarded(const std::string& path, const TensorMap& tensors) {
  absl::StatusOr<std::vector<Placed>> placed = PlaceTensors(tensors);
  if (!placed.ok()) return placed.status();
  const std::string header = MakeHeader(*placed);
  const uint64_t header_bytes = header.size();
  absl::StatusOr<std::unique_ptr<AtomicFile>> file = AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  AtomicFile& out = **file;
  out.Append({reinterpret_cast<const char*>(&header_bytes), kLengthBytes}).IgnoreError();
  out.Append(header).IgnoreError();  // the first error stays
  for (const Placed& item : *placed) {
    absl::Status status =
        out.Append({static_cast<const char*>(item.tensor.const_data_ptr()), item.tensor.nbytes()});
    if (!status.ok()) return status;
  }
  return out.Commit();
}

}  // namespace

absl::StatusOr<TensorMap> ReadSafetensors(const std::string& path, TensorData data) {
  absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<TensorMap> tensors;
  try {
    tensors = ReadMapped(*file, data);
  } catch (const std::exception& error) {  // out of memory, in LibTorch or the parser
    return absl::ResourceExhaustedError(absl::StrCat(path, ": ", error.what()));
  }
  if (!tensors.ok()) return InFile(path, tensors.status());
  return tensors;
}

absl::Status WriteSafetensors(const std::string& path, const TensorMap& tensors) {
  try {
    return WriteSafetensorsUnguarded(path, tensors);
  } catch (const std::exception& error) {  // a name that is not UTF-8, a tensor without storage
    return absl::InvalidArgumentError(absl::StrCat("cannot write ", path, ": ", error.what()));
  }
}

}  // namespace fathom
