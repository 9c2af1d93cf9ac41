#include "runtime/task/task_registry.h"

#include <atomic>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TaskChange Serve(const std::string& name, int version, const std::string& method = "") {
  return {.name = name,
          .version = version,
          .task = std::make_shared<const ServableTask>(
              TaskInfo{.name = name, .version = version, .method = method})};
}
TaskChange Refuse(const std::string& name, int version, const std::string& why) {
  return {.name = name, .version = version, .refused = absl::DataLossError(why)};
}

void Apply(TaskRegistry& registry, std::vector<TaskChange> changes) { registry.Apply(changes); }

// The version that a call gets that names none; 0: an error.
int DefaultOf(const TaskRegistry& registry, const std::string& name) {
  const auto found = registry.snapshot()->Find(name, 0);
  return found.ok() ? (*found)->info().version : 0;
}

std::vector<std::string> Listed(const TaskRegistry& registry) {
  std::vector<std::string> lines;
  for (const TaskInfo& info : registry.snapshot()->List()) {
    lines.push_back(info.name + "/" + std::to_string(info.version) +
                    (info.load_status.ok() ? "" : " refused"));
  }
  return lines;
}

TEST(TaskRegistry, ServesTheHighestVersionThatIsGood) {
  TaskRegistry registry;
  Apply(registry, {Serve("a", 1), Serve("a", 10), Serve("a", 2), Refuse("a", 11, "torn"),
                   Refuse("b", 1, "no head")});
  EXPECT_EQ(DefaultOf(registry, "a"), 10);
  EXPECT_EQ((*registry.snapshot()->Find("a", 2))->info().version, 2);
  EXPECT_THAT(Listed(registry), ElementsAre("a/1", "a/2", "a/10", "a/11 refused", "b/1 refused"));
  struct Case {
    const char* name;
    int version;
    absl::StatusCode code;
    const char* says;
  };
  for (const Case& test : {Case{"a", 11, absl::StatusCode::kFailedPrecondition, "torn"},
                           Case{"b", 0, absl::StatusCode::kFailedPrecondition, "no head"},
                           Case{"a", 3, absl::StatusCode::kNotFound, "it has 1, 2, 10, 11"},
                           Case{"c", 0, absl::StatusCode::kNotFound, "known tasks: a, b"}}) {
    const absl::Status status = registry.snapshot()->Find(test.name, test.version).status();
    EXPECT_EQ(status.code(), test.code) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(test.name), HasSubstr(test.says)));
  }
}

TEST(TaskRegistry, ARefusedReplacementIsListedBesideWhatGoesOn) {
  TaskRegistry registry;
  Apply(registry, {Serve("a", 1, "old")});
  Apply(registry, {Refuse("a", 1, "torn")});
  EXPECT_EQ((*registry.snapshot()->Find("a", 1))->info().method, "old");
  EXPECT_EQ(DefaultOf(registry, "a"), 1);
  EXPECT_THAT(Listed(registry), ElementsAre("a/1", "a/1 refused"));
  Apply(registry, {Serve("a", 1, "new")});
  EXPECT_EQ((*registry.snapshot()->Find("a", 1))->info().method, "new");
  EXPECT_THAT(Listed(registry), ElementsAre("a/1"));
}

TEST(TaskRegistry, CountsWhatIsThereAndWhatHappened) {
  TaskRegistry registry;
  Apply(registry, {Serve("a", 1), Serve("b", 1), Refuse("c", 1, "torn")});
  Apply(registry, {Serve("a", 1), Refuse("b", 1, "torn"), {.name = "c", .version = 1}});
  const TaskCounts counts = registry.counts();
  EXPECT_EQ(counts.loaded, 2);
  EXPECT_EQ(counts.refused, 1);
  EXPECT_EQ(counts.loads, 3);
  EXPECT_EQ(counts.load_failures, 2);
}

TEST(TaskRegistry, TheDefaultIsAChoiceUntilItsVersionGoes) {
  TaskRegistry registry;
  Apply(registry, {Serve("a", 1), Serve("a", 2), Refuse("a", 3, "torn")});
  ASSERT_TRUE(registry.SetDefaultVersion("a", 1).ok());
  Apply(registry, {Serve("a", 4), Serve("a", 1)});
  EXPECT_EQ(DefaultOf(registry, "a"), 1);
  ASSERT_TRUE(registry.SetDefaultVersion("a", 0).ok());
  EXPECT_EQ(DefaultOf(registry, "a"), 4);
  TaskChange chosen = Serve("a", 2);
  chosen.make_default = true;
  Apply(registry, {chosen});
  EXPECT_EQ(DefaultOf(registry, "a"), 2);
  Apply(registry, {{.name = "a", .version = 2}});
  EXPECT_EQ(DefaultOf(registry, "a"), 4);
  Apply(registry, {Serve("a", 2)});
  EXPECT_EQ(DefaultOf(registry, "a"), 4);

  EXPECT_EQ(registry.SetDefaultVersion("a", 3).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(registry.SetDefaultVersion("a", 9).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(registry.SetDefaultVersion("b", 1).code(), absl::StatusCode::kNotFound);
}

TEST(TaskRegistry, WhoHoldsASnapshotOrATaskKeepsIt) {
  TaskRegistry registry;
  Apply(registry, {Serve("a", 1, "old")});
  const auto snapshot = registry.snapshot();
  const auto task = *snapshot->Find("a", 1);
  Apply(registry, {{.name = "a", .version = 1}});
  EXPECT_EQ(registry.snapshot()->Find("a", 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(snapshot->Find("a", 1).ok());
  EXPECT_EQ(task->info().method, "old");
}

// Two versions are always changed together, so a reader that sees one of each has seen a mixture.
TEST(TaskRegistry, ReadersSeeAChangeWholeOrNotAtAll) {
  constexpr int kChanges = 300;
  TaskRegistry registry;
  const auto publish = [&](int round) {
    Apply(registry, {Serve("a", 1, std::to_string(round)), Serve("b", 1, std::to_string(round))});
  };
  publish(0);
  std::atomic<bool> stop = false;
  std::atomic<int> mixtures = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto snapshot = registry.snapshot();
        const auto a = snapshot->Find("a", 0);
        const auto b = snapshot->Find("b", 0);
        if (!a.ok() || !b.ok() || (*a)->info().method != (*b)->info().method) ++mixtures;
        if (registry.counts().loaded < 2) ++mixtures;
      }
    });
  }
  std::thread other_writer([&] {
    for (int i = 0; i < kChanges; ++i) {
      Apply(registry, {Serve("c", i, "")});
      EXPECT_TRUE(registry.SetDefaultVersion("c", i).ok());
    }
  });
  for (int round = 1; round <= kChanges; ++round) publish(round);
  other_writer.join();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(mixtures, 0);
  EXPECT_EQ(registry.counts().loaded, 2 + kChanges);
}

}  // namespace
}  // namespace fathom
