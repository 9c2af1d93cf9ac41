#include "server/client/affinity.h"

#include <gtest/gtest.h>

#include "server/client/text_list.h"

namespace fathom {
namespace {

v1::Input TextInput(const std::string& text) { return Text{.first = text, .second = {}}.ToInput(); }

v1::Input PairInput(const std::string& first, const std::string& second) {
  return Text{.first = first, .second = second}.ToInput();
}

// Servers behind a proxy keep a text's trunk where this number sends it: it must stay as it is.
TEST(AffinityKey, IsTheSameInEveryRelease) {
  EXPECT_EQ(AffinityKey(TextInput("a fine day")), "e25fc1e23802727b");
}

TEST(AffinityKey, FollowsFromWhatIsRead) {
  v1::Input marked = TextInput("a fine day");
  marked.set_id("mine");
  EXPECT_EQ(AffinityKey(marked), AffinityKey(TextInput("a fine day")));
  EXPECT_NE(AffinityKey(TextInput("a fine day")), AffinityKey(TextInput("a fine dax")));
  EXPECT_NE(AffinityKey(PairInput("ab", "c")), AffinityKey(PairInput("a", "bc")));
  v1::Input ids;
  ids.mutable_token_ids()->add_ids(7);
  v1::Input other = ids;
  other.mutable_token_ids()->add_ids(0);
  EXPECT_NE(AffinityKey(ids), AffinityKey(other));
}

}  // namespace
}  // namespace fathom
