// Engine: what the server sees of the runtime. Spans in, structs out; no tensors, no Torch headers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/cache/counts.h"
#include "runtime/pass/plan.h"
#include "runtime/task/profile.h"
#include "runtime/text/text.h"

namespace fathom {

struct EncoderInfo {
  std::string name;         // last part of the encoder's folder
  std::string fingerprint;  // hex, equal for equal weights and config
  int layers = 0;           // L
  int hidden_size = 0;      // H
  int max_tokens = 0;       // longest text, special tokens included
  std::string device;       // "cpu"
  std::string precision;    // "fp32", "bf16"
};

enum class HeadKind : uint8_t {
  kClassification,  // one label of several
  kRegression,      // one number
  kMultiLabel,      // any number of labels
  kTagging,         // one label a token
};

// What a loaded (or refused) task says of itself.
struct TaskInfo {
  std::string name;
  int version = 1;
  HeadKind head = HeadKind::kClassification;
  std::vector<std::string> labels;      // one a class; empty for regression
  std::string architecture;             // "pfeiffer", "houlsby", "parallel", "fusion"
  std::string method;                   // "robust", "standard", "specialized"; empty if not known
  SkipRange trained_skip_layers;        // {0, 0} if the files do not say
  std::optional<DepthProfile> profile;  // absent: never measured
  int default_skip_layers = 0;          // n of a request that names none: trained_skip_layers.first
  absl::Status load_status;             // not ok: refused at load, and why; then only name, version
};

// One loaded version of a task. Immutable; whoever holds the pointer keeps the version alive.
class ServableTask {
 public:
  explicit ServableTask(TaskInfo info) : info_(std::move(info)) {}
  virtual ~ServableTask() = default;
  ServableTask(const ServableTask&) = delete;
  ServableTask& operator=(const ServableTask&) = delete;

  const TaskInfo& info() const { return info_; }

 private:
  const TaskInfo info_;
};

// What a pass answers of one (text, task).
enum class PassOutput : uint8_t {
  kHead,       // the task's logits; without a task as kClsState
  kClsState,   // the last layer's [CLS] row
  kMeanState,  // the mean of the last layer's rows, special tokens included
};

struct PassTask {
  const ServableTask* task = nullptr;  // null: the raw encoder
  int skip_layers = 0;                 // n, 0 … L
  PassOutput output = PassOutput::kHead;
  // Neither reads what is kept nor keeps anything. Equal texts of a pass are computed together, so
  // one such task decides for all of them.
  bool bypass_caches = false;
};

struct PassText {
  const TokenizedText* text = nullptr;
  std::vector<PassTask> tasks;
};

struct TaskOutput {
  absl::Status status;        // not ok: this (text, task) failed, its neighbours did not
  std::vector<float> logits;  // [C], [1] for regression, [S, C] for tagging, [H] for a state
  int cached_layers = 0;      // that came from a kept trunk instead of being run
};

// Where a pass spent its time. A stage that holds rows of both is shared out by rows.
struct PassTimes {
  double trunk_ms = 0;     // embedding, and rows without an adapter
  double branches_ms = 0;  // rows above a fork
  double heads_ms = 0;
};

struct PassResult {
  std::vector<std::vector<TaskOutput>> outputs;  // [texts][tasks], in the order of the request
  std::vector<Work> work;                        // one a text
  int32_t rows = 0;                              // largest packed block of the pass
  double predicted_ms = 0;                       // by the cost model; 0: not calibrated
  double actual_ms = 0;                          // of the same part of the pass, measured
  PassTimes times;
};

struct RunOptions {
  int threads = 0;  // of this pass; 0: all that the engine has
  // Asked between layers, on the pass's own thread: true ends the pass with CANCELLED. Empty:
  // never.
  std::function<bool()> abandoned;
};

// What the caches did.
struct CacheReport {
  CacheCounts taps;     // trunk states; entries, hits and misses are texts
  CacheCounts answers;  // finished logits; entries, hits and misses are (text, task, n)
  CacheCounts weights;  // packed weights; entries are tasks. More bytes than adapter_bytes: in use
};

// How many passes may run at once, and the threads that they share.
struct Concurrency {
  int passes = 1;
  int threads = 1;
};

// What the start measured of this machine, for the log.
struct CalibrationReport {
  std::string gemms;       // a line a shape: which form runs from how many rows on; empty: none
  double seconds = 0;      // that measuring took
  bool from_file = false;  // measured at an earlier start
};

struct LoadTaskOptions {
  bool make_default = false;
  bool validate_only = false;  // look at the files, change nothing
};

struct TaskVersion {
  std::string name;
  int version = 0;
};

// What a look at the tasks' folder changed.
struct ScanReport {
  std::vector<TaskVersion> loaded;  // new or replaced
  std::vector<TaskVersion> unloaded;
  std::vector<TaskInfo> refused;  // with load_status; an earlier good version goes on serving
};

// Cheap at any number of tasks.
struct TaskCounts {
  int64_t loaded = 0;   // versions that can be served
  int64_t refused = 0;  // versions that cannot
  int64_t loads = 0;    // since the start, that succeeded
  int64_t load_failures = 0;
};

// What a pass is predicted to take. 0: not calibrated.
struct PassPrediction {
  double ms = 0;
  double encoder_ms = 0;  // of it, all but the adapters' own work
  double late_ms = 0;     // 19 of 20 such passes take less
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Any thread.
  virtual const EncoderInfo& encoder() const = 0;

  // Any thread. INVALID_ARGUMENT for invalid UTF-8, an unknown token id, and a text over
  // encoder().max_tokens with Truncation::kError.
  virtual absl::StatusOr<TokenizedText> Tokenize(const TextInput& input,
                                                 Truncation truncation) const = 0;

  // Any thread. version 0: the default one. NOT_FOUND names the known tasks (the first few of
  // them).
  virtual absl::StatusOr<std::shared_ptr<const ServableTask>> FindTask(std::string_view name,
                                                                       int version) const = 0;

  // Any thread. All versions of all tasks, also those that were refused; by name, then version.
  virtual std::vector<TaskInfo> ListTasks() const = 0;

  // Any thread; reads no weights. Cheap.
  virtual TaskCounts task_counts() const = 0;

  // These four change what FindTask and ListTasks see, each in one step: a call sees the tasks of
  // before or of after. Who holds a ServableTask keeps it. Any thread, also while passes run; they
  // wait for one another. Reading is from the tasks' folder of EngineOptions alone.
  //
  // LoadTask reads one version (0: the highest in the folder) anew, and replaces the loaded one
  // only if it is good. NOT_FOUND: no such folder; FAILED_PRECONDITION: refused, with the reason;
  // INVALID_ARGUMENT: not a task's name.
  virtual absl::StatusOr<TaskInfo> LoadTask(std::string_view name, int version,
                                            const LoadTaskOptions& options) = 0;
  // version 0: all of them. NOT_FOUND. The folder stays; ScanTasks does not load it again until its
  // files change.
  virtual absl::Status UnloadTask(std::string_view name, int version) = 0;
  // NOT_FOUND; FAILED_PRECONDITION if that version was refused. version 0: the highest again.
  virtual absl::Status SetDefaultVersion(std::string_view name, int version) = 0;
  // Looks at the whole folder, and loads, replaces and unloads what changed since the last look.
  virtual absl::StatusOr<ScanReport> ScanTasks() = 0;

  // Any thread; never waits for a pass. Milliseconds that a pass over `texts` alone would take with
  // `threads` (0: all) as the caches stand now, corrected by how passes went; 0: not calibrated.
  virtual double PredictMs(absl::Span<const PassText> texts, int threads) const = 0;

  // The same, with the encoder's part: that is what falls where tasks share more of a text, or more
  // of it is kept. An engine that does not tell them apart says the same of all.
  virtual PassPrediction PredictPass(absl::Span<const PassText> texts, int threads) const {
    const double ms = PredictMs(texts, threads);
    return {.ms = ms, .encoder_ms = ms, .late_ms = ms};
  }

  // Up to concurrency().passes threads at a time. The caller keeps texts and tasks alive during the
  // call. An error is of the whole pass (INTERNAL); what concerns one (text, task) is in its
  // TaskOutput.
  virtual absl::StatusOr<PassResult> Run(absl::Span<const PassText> texts,
                                         const RunOptions& options) = 0;

  // Any thread.
  virtual Concurrency concurrency() const = 0;

  // Any thread.
  virtual CacheReport cache_report() const = 0;

  // Any thread.
  virtual const CalibrationReport& calibration() const = 0;

  // Any thread, also while passes run. Empties the caches of taps and answers.
  virtual void ClearCaches() = 0;
};

// Of the GEMMs with the encoder's weights. Sums, LayerNorm and softmax are fp32 in both.
enum class Precision : uint8_t {
  kFp32,
  kBf16,
  kAuto,  // what is faster on this CPU, measured at the start; fp32 without bf16 instructions
};

struct CacheOptions {
  int64_t tap_bytes = int64_t{256} << 20;  // 0: off
  bool bf16_taps = false;                  // half the bytes; answers from them are less exact
  int64_t answer_bytes = 0;                // 0: off
};

struct EngineOptions {
  std::string encoder_dir;  // a Hugging Face folder
  std::string tasks_dir;    // sub-folders are tasks; empty: none
  std::string device = "cpu";
  int threads = 0;  // 0: all cores of this process
  int workers = 1;  // passes that may run at once, each on its share of the threads
  Precision precision = Precision::kFp32;
  // Folder of what was measured at an earlier start. Empty: $XDG_CACHE_HOME/fathom/calibration, or
  // ~/.cache/fathom/calibration; "none": measured at each start; "off": not measured, for tests.
  std::string calibration_dir;
  CacheOptions caches;
  int64_t adapter_bytes = int64_t{2} << 30;  // packed weights of tasks; those used least go first
};

// Loads everything. A broken encoder, tokenizer or device is an error; a broken task is not: it is
// in ListTasks with its reason. Implemented in fathom_runtime.
absl::StatusOr<std::unique_ptr<Engine>> CreateEngine(const EngineOptions& options);

}  // namespace fathom
