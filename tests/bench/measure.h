// Times and their medians.
#pragma once

#include <functional>
#include <vector>

namespace fathom::bench {

double MsOf(const std::function<void()>& work);

// REQUIRES: values is not empty. Of an even number the upper of the middle two.
double Median(std::vector<double> values);

}  // namespace fathom::bench
