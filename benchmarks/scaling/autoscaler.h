// How many servers there should be, as Kubernetes' horizontal pod autoscaler finds it from a
// metric with a target average value.

#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

#include "common/clock.h"

namespace upscaler::benchmark {

// How fast it may go: an autoscaler's `behavior`. What is 0 is no bound.
struct AutoscalerPace {
  std::size_t up_servers = 0;  // At least so many more in a period, and as many as there were.
  std::chrono::seconds up_period{15};
  std::chrono::seconds stabilization{300};  // Fewer once none higher was wanted for so long.
  std::size_t down_servers = 0;             // At most so many fewer in a period.
  std::chrono::seconds down_period{15};
};

// Kubernetes' own, and that of deploy/k8s.
inline constexpr AutoscalerPace kKubernetesPace{.up_servers = 4};
inline constexpr AutoscalerPace kDeployedPace{.up_period = std::chrono::seconds{60},
                                              .stabilization = std::chrono::seconds{600},
                                              .down_servers = 1,
                                              .down_period = std::chrono::seconds{300}};

// Not thread-safe.
class Autoscaler {
 public:
  struct Options {
    double target = 8;  // Of the metric, for each server.
    std::size_t least = 1;
    std::size_t most = 100;
    AutoscalerPace pace = kKubernetesPace;
  };

  // How often it looks, and what part of the target it bears with: Kubernetes' defaults.
  static constexpr std::chrono::seconds kPeriod{15};
  static constexpr double kTolerance = 0.1;

  explicit Autoscaler(const Options& options) : options_(options) {}

  // How many there should be, and then are, where there are `servers`, those that start
  // included, and the metric is `sum` over all of them. Called every kPeriod.
  std::size_t Desired(TimePoint now, double sum, std::size_t servers);

 private:
  // So many servers, or so many more, at a moment.
  struct Entry {
    TimePoint moment;
    std::size_t servers = 0;
  };
  using History = std::deque<Entry>;  // The oldest first.

  std::size_t Recommended(double sum, std::size_t servers) const;
  std::size_t MostNow(TimePoint now, std::size_t servers);
  std::size_t LeastNow(TimePoint now, std::size_t servers);
  static void Forget(History& history, TimePoint until);
  static std::size_t SumOf(const History& history);

  const Options options_;
  History recommended_;
  History added_;
  History removed_;
};

}  // namespace upscaler::benchmark
