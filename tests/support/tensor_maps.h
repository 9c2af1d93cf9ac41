// Comparing named tensors in tests.
#pragma once

#include <ATen/ops/equal.h>

#include "gtest/gtest.h"
#include "runtime/model/tensor_file.h"

namespace fathom::testing {

// The same names, dtypes, shapes and values, to the last bit.
inline void ExpectEqual(const TensorMap& actual, const TensorMap& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(actual.contains(name)) << name;
    EXPECT_EQ(actual.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(actual.at(name), tensor)) << name;
  }
}

}  // namespace fathom::testing
