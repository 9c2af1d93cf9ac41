#include "adapters/model/adapter_name.h"

#include "gtest/gtest.h"

namespace fathom::training {
namespace {

TEST(AdapterName, RefusesWhatThePythonLibraryCannotOpen) {
  for (const char* name : {"", "a.b", "a,b", "a/b", "_x", "type", "half", "train", "zero_grad"}) {
    EXPECT_EQ(CheckAdapterName(name).code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

TEST(AdapterName, TakesOrdinaryNames) {
  for (const char* name : {"sst-2", "types", "rotten tomato", "Sentiment_1"}) {
    EXPECT_TRUE(CheckAdapterName(name).ok()) << name;
  }
}

}  // namespace
}  // namespace fathom::training
