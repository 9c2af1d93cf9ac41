#include "tests/bench/registered_tasks.h"

#include <c10/core/InferenceMode.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runtime/task/format/adapter_folder.h"
#include "runtime/task/format/file_names.h"
#include "tests/bench/machine.h"
#include "tests/bench/measure.h"
#include "tests/bench/require.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

namespace fs = std::filesystem;

fs::path NewFolder() {
  std::string name = (fs::temp_directory_path() / "fathom-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    Require(absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", name)));
  }
  return name;
}

void LinkFolder(const fs::path& from, const fs::path& to) {
  fs::create_directory(to);
  for (const char* name : {kAdapterConfigFile, kAdapterWeightFiles.safetensors, kHeadConfigFile,
                           kHeadWeightFiles.safetensors}) {
    fs::create_hard_link(from / name, to / name);
  }
}

// A copy of a safetensors file of fp32 numbers, with other numbers.
void CopyWithOtherWeights(const fs::path& from, const fs::path& to, std::mt19937& random) {
  std::ostringstream read;
  read << std::ifstream(from, std::ios::binary).rdbuf();
  std::string bytes = std::move(read).str();
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  constexpr float kScale = 0.1f / 4294967296.0f;  // to -0.05 … 0.05
  for (size_t i = sizeof(header_bytes) + header_bytes; i < bytes.size(); i += sizeof(float)) {
    const float number = kScale * static_cast<float>(random()) - 0.05f;
    std::memcpy(&bytes[i], &number, sizeof(number));
  }
  if (!(std::ofstream(to, std::ios::binary) << bytes).flush()) {
    Require(absl::UnavailableError(absl::StrCat("cannot write ", to.string())));
  }
}

}  // namespace

RegisteredTasks::RegisteredTasks(const std::shared_ptr<const Encoder>& encoder,
                                 const RegisteredOptions& options)
    : folder_(NewFolder()),
      weights_(std::make_shared<WeightCache>(EngineOptions().adapter_bytes)),
      caches_(*encoder, {.tap_bytes = 0}),
      runner_(encoder, caches_) {
  WriteFolders(encoder->config(), options);
  Open(*encoder, options);
}

RegisteredTasks::~RegisteredTasks() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

// Folder i has the weights of the last hot one up to it.
void RegisteredTasks::WriteFolders(const EncoderConfig& config,
                                   const RegisteredOptions& options) const {
  const AdapterFolder content{.name = "task",
                              .adapter = RandomAdapter(PfeifferLayout(config.layers),
                                                       config.hidden_size, options.bottleneck, 1),
                              .head = RandomHead(config.hidden_size, {"no", "yes"}, 1)};
  const fs::path first = folder_ / ".first";  // no task: its name begins with a dot
  Require(WriteAdapterFolder(first.string(), content, config, {}, WeightDtype::kFp32));
  std::mt19937 random(1);
  const int spread = options.registered / options.hot;
  fs::path hot;
  for (int i = 0; i < options.registered; ++i) {
    const fs::path folder = folder_ / std::to_string(i);
    const bool is_hot = i % spread == 0 && i / spread < options.hot;
    LinkFolder(is_hot ? first : hot, folder);
    if (!is_hot) continue;
    for (const char* name : {kAdapterWeightFiles.safetensors, kHeadWeightFiles.safetensors}) {
      fs::remove(folder / name);
      CopyWithOtherWeights(first / name, folder / name, random);
    }
    hot = folder;
  }
}

void RegisteredTasks::Open(const Encoder& encoder, const RegisteredOptions& options) {
  const int64_t bytes_before = HeapBytes();
  open_seconds_ = MsOf([&] {
                    auto store = TaskStore::Load(folder_.string(), encoder, weights_);
                    Require(store.status());
                    store_ = std::make_unique<const TaskStore>(*std::move(store));
                  }) /
                  1000;
  open_bytes_ = HeapBytes() - bytes_before;
  for (int i = 0; i < options.hot; ++i) {
    auto task = store_->Find(std::to_string(i * (options.registered / options.hot)), 0);
    Require(task.status());
    Require((*task)->Pin().status());  // hot: read before
    hot_.push_back(*std::move(task));
  }
}

void RegisteredTasks::Run(absl::Span<const PassText> request) {
  const c10::InferenceMode inference;
  Require(runner_.Run(request).status());
}

}  // namespace fathom::bench
