// Pacer: when calls start. Closed loop: so many callers, each waiting for its answer. Open loop:
// calls arrive at random times whatever the server does, as those of many people do.
//
// Times are seconds since the start of the run and come from the caller: no clock inside. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <random>
#include <vector>

namespace fathom {

class Pacer {
 public:
  virtual ~Pacer() = default;

  // When the next call is to start. Nothing: not before a call has finished, or never again.
  virtual std::optional<double> Next() const = 0;
  // The call of Next() was sent.
  virtual void Sent() = 0;
  // A call finished. `pause_s`: how long its caller keeps still before the next one.
  virtual void Finished(double now_s, double pause_s) = 0;
  // Calls that the schedule had and that were never sent, as the run was given up.
  virtual int64_t Unsent() const { return 0; }
};

class ClosedLoop : public Pacer {
 public:
  // No call starts at or after end_s.
  ClosedLoop(int callers, double end_s);

  std::optional<double> Next() const override;
  void Sent() override { free_.pop(); }
  void Finished(double now_s, double pause_s) override { free_.push(now_s + pause_s); }

 private:
  const double end_s_;
  std::priority_queue<double, std::vector<double>, std::greater<>> free_;  // since when
};

// Poisson arrivals. A call that cannot start in time, because max_in_flight calls wait for their
// answers, keeps its place in the schedule: it starts late, and its latency counts from when it
// should have started, so that a server that stalls cannot hide it.
class OpenLoop : public Pacer {
 public:
  struct Options {
    double rate = 1;  // calls a second
    double end_s = 1;
    int max_in_flight = 1;
    uint64_t seed = 1;
  };

  explicit OpenLoop(const Options& options);

  std::optional<double> Next() const override;
  void Sent() override;
  void Finished(double now_s, double pause_s) override;
  int64_t Unsent() const override;

 private:
  const Options options_;
  std::mt19937_64 random_;
  std::exponential_distribution<double> gap_s_;
  double next_s_;
  int in_flight_ = 0;
};

}  // namespace fathom
