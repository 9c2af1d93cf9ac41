#include "adapters/trunk/state_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "runtime/file/atomic_file.h"
#include "runtime/model/sha256.h"

namespace fathom::training {
namespace {

constexpr std::string_view kMagic = "fathom trunk states 1\n";
constexpr size_t kDigestDigits = 32;

const char* PrecisionName(TapPrecision precision) {
  return precision == TapPrecision::kFp32 ? "fp32" : "bf16";
}

std::string FormatHeader(const StateFileHeader& header) {
  nlohmann::json layers = nlohmann::json::array();
  bool last_cls_row = false;
  for (const TapPoint& point : header.points) {
    if (IsClsOnly(point.form)) {
      last_cls_row = true;
    } else {
      layers.push_back(point.layer);
    }
  }
  const nlohmann::json json = {{"encoder", header.encoder},
                               {"data", header.data},
                               {"tokens", header.shape.tokens},
                               {"texts", header.shape.texts},
                               {"encoder_layers", header.shape.layers},
                               {"hidden_size", header.shape.hidden_size},
                               {"pairs", header.shape.pairs},
                               {"precision", PrecisionName(header.shape.precision)},
                               {"layers", layers},
                               {"last_cls_row", last_cls_row}};
  return absl::StrCat(std::string(kMagic), json.dump(), "\n");
}

// Throws nlohmann::json::exception.
StateFileHeader ParseHeader(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  StateFileHeader header;
  header.encoder = json.at("encoder");
  header.data = json.at("data");
  StateShape& shape = header.shape;
  shape.tokens = json.at("tokens");
  shape.texts = json.at("texts");
  shape.layers = json.at("encoder_layers");
  shape.hidden_size = json.at("hidden_size");
  shape.pairs = json.at("pairs");
  shape.precision = json.at("precision") == "fp32" ? TapPrecision::kFp32 : TapPrecision::kBf16;
  for (const int layer : json.at("layers")) {
    header.points.push_back({layer, shape.pairs ? TapForm::kPair : TapForm::kSum});
  }
  if (json.at("last_cls_row")) {
    header.points.push_back({shape.layers - 1, shape.pairs ? TapForm::kClsPair : TapForm::kClsSum});
  }
  return header;
}

int64_t FileBytes(const StateFileHeader& header) {
  int64_t bytes = kStatePageBytes;
  for (const TapPoint& point : header.points) bytes += MakePlane(header.shape, point).bytes;
  return bytes;
}

absl::Status Differs(const std::string& path, const char* what, const std::string& found,
                     const std::string& wanted) {
  return absl::FailedPreconditionError(absl::StrCat(path, " holds trunk states of ", what, " ",
                                                    found, ", this run's is ", wanted,
                                                    "; name another folder, or delete the file"));
}

// Writes at the start of a file and flushes the whole of it, what was written through mappings too.
bool WriteStartAndFlush(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written =
      pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
      fsync(file) == 0;
  return close(file) == 0 && written;
}

}  // namespace

std::string DatasetDigest(const Dataset& data) {
  Sha256 digest;
  const auto add = [&](const std::vector<int32_t>& ids) {
    const auto count = static_cast<int64_t>(ids.size());
    digest.Update(&count, sizeof(count));
    digest.Update(ids.data(), ids.size() * sizeof(int32_t));
  };
  for (const Example& example : data.examples) {
    add(example.text.ids);
    add(example.text.segment_ids);
  }
  return digest.Hex(kDigestDigits);
}

absl::StatusOr<std::unique_ptr<NewStateFile>> NewStateFile::Create(const std::string& path,
                                                                   int64_t bytes) {
  std::string temporary_path = TemporarySibling(path);
  absl::StatusOr<MappedBytes> mapped = MappedBytes::InNewFile(temporary_path, bytes);
  if (!mapped.ok()) return mapped.status();
  return std::unique_ptr<NewStateFile>(
      new NewStateFile(path, std::move(temporary_path), *std::move(mapped)));
}

NewStateFile::~NewStateFile() {
  if (!committed_) unlink(temporary_path_.c_str());
}

absl::Status NewStateFile::Commit(const StateFileHeader& header) {
  const std::string text = FormatHeader(header);
  if (static_cast<int64_t>(text.size()) > kStatePageBytes) {
    return absl::InternalError("the header of the trunk states is longer than a page");
  }
  if (!WriteStartAndFlush(temporary_path_, text) ||
      std::rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path_));
  }
  committed_ = true;
  return absl::OkStatus();
}

absl::StatusOr<FoundStateFile> OpenStateFile(const std::string& path) {
  absl::StatusOr<MappedBytes> bytes = MappedBytes::OfFile(path);
  if (!bytes.ok()) return bytes.status();
  const auto page = static_cast<size_t>(std::min(bytes->size(), kStatePageBytes));
  const std::string_view start(reinterpret_cast<const char*>(bytes->data()), page);
  const absl::Status damaged =
      absl::InvalidArgumentError(absl::StrCat(path, " is no complete file of trunk states"));
  if (!start.starts_with(kMagic)) return damaged;
  const size_t end = start.find('\n', kMagic.size());
  if (end == std::string_view::npos) return damaged;
  FoundStateFile found;
  try {
    found.header = ParseHeader(std::string(start.substr(kMagic.size(), end - kMagic.size())));
  } catch (const nlohmann::json::exception&) {
    return damaged;
  }
  if (bytes->size() != FileBytes(found.header)) return damaged;
  found.bytes = *std::move(bytes);
  return found;
}

absl::Status CheckServes(const std::string& path, const StateFileHeader& found,
                         const StateFileHeader& wanted) {
  if (found.encoder != wanted.encoder) {
    return Differs(path, "encoder", found.encoder, wanted.encoder);
  }
  if (found.data != wanted.data) return Differs(path, "data set", found.data, wanted.data);
  if (found.shape.precision != wanted.shape.precision) {
    return Differs(path, "precision", PrecisionName(found.shape.precision),
                   PrecisionName(wanted.shape.precision));
  }
  if (wanted.shape.pairs && !found.shape.pairs) {
    return Differs(path, "the form", "f + x", "f and x, which its adapters read");
  }
  StateShape same = wanted.shape;
  same.pairs = found.shape.pairs;
  if (found.shape != same) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is of another shape than its data"));
  }
  return absl::OkStatus();
}

}  // namespace fathom::training
