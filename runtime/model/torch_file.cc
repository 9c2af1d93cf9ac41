#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <caffe2/serialize/in_memory_adapter.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/file/atomic_file.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/json_fields.h"
#include "runtime/model/tensor_file.h"
#include "runtime/model/tensor_pickle.h"

// A torch.save file is a zip of data.pkl and one record data/<key> for each storage.
namespace fathom {
namespace {

using caffe2::serialize::PyTorchStreamReader;
using caffe2::serialize::PyTorchStreamWriter;

constexpr size_t kMaxPickleBytes = 64 << 20;

absl::Status TensorError(const std::string& name, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("tensor ", Quote(name), ": ", what));
}

// Without the stack trace that LibTorch appends.
std::string Reason(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string what =
      torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  return what.substr(0, what.find('\n'));
}

struct Storage {
  std::shared_ptr<at::DataPtr> data;  // null with TensorData::kLeave
  size_t bytes = 0;
};

// Reads each record once. All records together may not exceed the file: torch.save does not
// compress, and a file that unpacks to more than its size is not to be trusted.
class StorageReader {
 public:
  StorageReader(PyTorchStreamReader& zip, size_t file_bytes, TensorData wanted)
      : zip_(zip), bytes_left_(file_bytes), wanted_(wanted) {}

  absl::StatusOr<Storage> Read(const std::string& record) {
    auto known = storages_.find(record);
    if (known != storages_.end()) return known->second;
    if (!zip_.hasRecord(record)) {
      return absl::InvalidArgumentError(absl::StrCat("its record ", Quote(record), " is missing"));
    }
    Storage storage{.bytes = zip_.getRecordSize(record)};
    if (storage.bytes > bytes_left_) {
      return absl::InvalidArgumentError(
          absl::StrCat("its record ", Quote(record), " unpacks to more bytes than the file has"));
    }
    bytes_left_ -= storage.bytes;
    if (wanted_ == TensorData::kRead) {
      auto [data, read_bytes] = zip_.getRecord(record);
      storage = {std::make_shared<at::DataPtr>(std::move(data)), read_bytes};
    }
    storages_.emplace(record, storage);
    return storage;
  }

 private:
  PyTorchStreamReader& zip_;
  size_t bytes_left_;
  const TensorData wanted_;
  std::map<std::string, Storage> storages_;
};

// How many elements of its storage the tensor spans from its offset; nothing if a number is
// negative or overflows, or if the tensor has more elements than the storage (an expanded view).
std::optional<int64_t> Span(const PickledTensor& tensor) {
  if (tensor.sizes.size() != tensor.strides.size()) return std::nullopt;
  int64_t elements = 1;
  int64_t last = 0;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const int64_t size = tensor.sizes[i];
    const int64_t stride = tensor.strides[i];
    int64_t step = 0;
    if (size < 0 || stride < 0 || __builtin_mul_overflow(elements, size, &elements) ||
        __builtin_mul_overflow(std::max<int64_t>(size - 1, 0), stride, &step) ||
        __builtin_add_overflow(last, step, &last)) {
      return std::nullopt;
    }
  }
  if (elements > tensor.storage_size) return std::nullopt;
  return elements == 0 ? 0 : last + 1;
}

bool IsInside(const PickledTensor& tensor, size_t storage_bytes) {
  const std::optional<int64_t> span = Span(tensor);
  const auto limit = static_cast<int64_t>(storage_bytes / c10::elementSize(tensor.dtype));
  return span && tensor.storage_size >= 0 && tensor.storage_size <= limit && tensor.offset >= 0 &&
         tensor.offset <= tensor.storage_size && *span <= tensor.storage_size - tensor.offset;
}

absl::Status CheckInside(const PickledTensor& pickled, size_t storage_bytes) {
  if (IsInside(pickled, storage_bytes)) return absl::OkStatus();
  return TensorError(
      pickled.name,
      absl::StrCat("shape [", absl::StrJoin(pickled.sizes, ", "), "], strides [",
                   absl::StrJoin(pickled.strides, ", "), "] and offset ", pickled.offset,
                   " do not fit its storage of ", storage_bytes, " bytes"));
}

// REQUIRES: the tensor is inside its storage.
absl::StatusOr<at::Tensor> MakeTensor(const PickledTensor& pickled, const Storage& storage) {
  const at::TensorOptions options(pickled.dtype);
  if (std::count(pickled.sizes.begin(), pickled.sizes.end(), 0) > 0) {
    return at::empty(pickled.sizes, options);
  }
  auto* data = static_cast<char*>(storage.data->get());
  if (pickled.dtype == at::kBool &&
      !std::all_of(data, data + storage.bytes, [](char byte) { return byte == 0 || byte == 1; })) {
    return TensorError(pickled.name, "holds a bool that is neither 0 nor 1");
  }
  data += static_cast<size_t>(pickled.offset) * c10::elementSize(pickled.dtype);
  return at::from_blob(
      data, pickled.sizes, pickled.strides, [owner = storage.data](void*) {}, options);
}

absl::StatusOr<std::string> ReadPickle(PyTorchStreamReader& zip) {
  if (zip.hasRecord("byteorder")) {
    auto [order, size] = zip.getRecord("byteorder");
    if (std::string(static_cast<const char*>(order.get()), size) != "little") {
      return absl::InvalidArgumentError("is not little endian");
    }
  }
  if (!zip.hasRecord("data.pkl")) return absl::InvalidArgumentError("holds no data.pkl");
  if (zip.getRecordSize("data.pkl") > kMaxPickleBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("its pickle is larger than ", kMaxPickleBytes, " bytes"));
  }
  auto [pickle, size] = zip.getRecord("data.pkl");
  return std::string(static_cast<const char*>(pickle.get()), size);
}

absl::StatusOr<TensorMap> ReadMapped(const MappedFile& file, TensorData data) {
  if (!file.bytes().starts_with("PK")) {
    return absl::InvalidArgumentError(
        "is not a zip: not a torch.save file, or one from before torch 1.6 (save it again)");
  }
  PyTorchStreamReader zip(std::make_shared<caffe2::serialize::MemoryReadAdapter>(
      file.data(), static_cast<off_t>(file.size())));
  absl::StatusOr<std::string> pickle = ReadPickle(zip);
  if (!pickle.ok()) return pickle.status();
  absl::StatusOr<std::vector<PickledTensor>> pickled = ParseTensorPickle(*pickle);
  if (!pickled.ok()) return pickled.status();

  StorageReader storages(zip, file.size(), data);
  TensorMap tensors;
  for (const PickledTensor& item : *pickled) {
    absl::StatusOr<Storage> storage = storages.Read(absl::StrCat("data/", item.storage_key));
    if (!storage.ok()) return TensorError(item.name, std::string(storage.status().message()));
    if (absl::Status status = CheckInside(item, storage->bytes); !status.ok()) return status;
    if (data == TensorData::kLeave) {
      tensors.emplace(item.name,
                      at::empty(item.sizes, at::TensorOptions(item.dtype).device(at::kMeta)));
      continue;
    }
    absl::StatusOr<at::Tensor> tensor = MakeTensor(item, *storage);
    if (!tensor.ok()) return tensor.status();
    tensors.emplace(item.name, *std::move(tensor));
  }
  return tensors;
}

// The pickle of a dict without LibTorch's type tags, which weights_only=True refuses, and the
// tensors whose storages it refers to, by key "0", "1", ….
struct PickledDict {
  std::string bytes;
  std::vector<at::Tensor> tensors;
};

PickledDict PickleDict(const TensorMap& tensors) {
  c10::Dict<std::string, at::Tensor> dict;
  for (const auto& [name, tensor] : tensors) {
    // A clone: tensors that are views would drag their whole storages into the file.
    dict.insert(name, tensor.detach().cpu().clone(at::MemoryFormat::Contiguous));
  }
  PickledDict pickled;
  size_t next_key = 0;
  torch::jit::Pickler pickler(
      [&pickled](const char* bytes, size_t size) { pickled.bytes.append(bytes, size); }, nullptr,
      nullptr, nullptr, [&next_key](const at::Tensor&) { return std::to_string(next_key++); },
      /*tag_aggregates=*/false);
  pickler.protocol();
  pickler.pushIValue(dict);
  pickler.stop();
  pickled.tensors = pickler.tensorData();
  return pickled;
}

// The file keeps its first error for Commit. LibTorch's writer must not see it: its destructor
// writes on, and ends the process when that fails too.
void WriteZip(AtomicFile& file, const PickledDict& pickled) {
  PyTorchStreamWriter zip([&file](const void* bytes, size_t size) {
    file.Append({static_cast<const char*>(bytes), size}).IgnoreError();
    return size;
  });
  zip.writeRecord("data.pkl", pickled.bytes.data(), pickled.bytes.size());
  constexpr std::string_view kByteOrder = "little";
  zip.writeRecord("byteorder", kByteOrder.data(), kByteOrder.size());
  for (size_t key = 0; key < pickled.tensors.size(); ++key) {
    const at::Tensor& tensor = pickled.tensors[key];
    zip.writeRecord(absl::StrCat("data/", key), tensor.const_data_ptr(), tensor.nbytes());
  }
  zip.writeEndOfFile();
}

}  // namespace

absl::StatusOr<TensorMap> ReadTorchFile(const std::string& path, TensorData data) {
  absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<TensorMap> tensors;
  try {
    tensors = ReadMapped(**file, data);
  } catch (const std::exception& error) {  // a broken zip, or no memory
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", Reason(error)));
  }
  if (!tensors.ok()) return InFile(path, tensors.status());
  return tensors;
}

absl::Status WriteTorchFile(const std::string& path, const TensorMap& tensors) {
  try {
    const PickledDict pickled = PickleDict(tensors);
    absl::StatusOr<std::unique_ptr<AtomicFile>> file = AtomicFile::Create(path);
    if (!file.ok()) return file.status();
    WriteZip(**file, pickled);
    return (*file)->Commit();
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("cannot write ", path, ": ", Reason(error)));
  }
}

}  // namespace fathom
