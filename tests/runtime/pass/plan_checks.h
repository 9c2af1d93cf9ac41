// What checks a plan without knowing how it was made: random requests, a simulator that moves rows
// by a plan's lists, and a count of the work by the method's rules alone.
#pragma once

#include <random>
#include <set>
#include <vector>

#include "runtime/pass/plan.h"

namespace fathom {

AdapterLayout Pfeiffer(int layers, std::set<int> left_out = {});
AdapterLayout Parallel(int layers, std::set<int> left_out = {});
AdapterLayout Houlsby(int layers, std::set<int> left_out = {});

struct Request {
  int layers = 0;
  std::vector<AdapterLayout> layouts;  // one an adapter
  std::vector<PlanText> texts;
};

// Up to 6 layers, 5 adapters of every architecture, 5 texts with taps and tasks of all kinds.
Request RandomRequest(std::mt19937& random);

// Plans the request; test failures tell what is wrong with the plan.
void CheckPlan(const Request& request);

}  // namespace fathom
