#include "benchmarks/scaling/autoscaler.h"

#include <algorithm>
#include <cmath>

namespace upscaler::benchmark {

std::size_t Autoscaler::Desired(TimePoint now, double sum, std::size_t servers) {
  if (recommended_.empty()) recommended_.push_back({now, servers});
  const std::size_t recommended = Recommended(sum, servers);
  recommended_.push_back({now, recommended});
  Forget(recommended_, now - options_.pace.stabilization);

  if (recommended > servers) {
    const std::size_t desired = std::clamp(recommended, servers, MostNow(now, servers));
    added_.push_back({now, desired - servers});
    return desired;
  }
  const std::size_t highest = std::ranges::max(recommended_, {}, &Entry::servers).servers;
  if (highest >= servers) return servers;
  const std::size_t desired = std::clamp(highest, LeastNow(now, servers), servers);
  removed_.push_back({now, servers - desired});
  return desired;
}

std::size_t Autoscaler::Recommended(double sum, std::size_t servers) const {
  const double ratio = sum / (options_.target * static_cast<double>(servers));
  const std::size_t wanted = std::abs(ratio - 1) <= kTolerance
                                 ? servers
                                 : static_cast<std::size_t>(std::ceil(sum / options_.target));
  return std::clamp(wanted, options_.least, options_.most);
}

std::size_t Autoscaler::MostNow(TimePoint now, std::size_t servers) {
  Forget(added_, now - options_.pace.up_period);
  const std::size_t before = servers - std::min(servers, SumOf(added_));
  return std::max({2 * before, before + options_.pace.up_servers, servers});
}

std::size_t Autoscaler::LeastNow(TimePoint now, std::size_t servers) {
  if (options_.pace.down_servers == 0) return 0;
  Forget(removed_, now - options_.pace.down_period);
  const std::size_t before = servers + SumOf(removed_);
  return std::min(before - std::min(before, options_.pace.down_servers), servers);
}

void Autoscaler::Forget(History& history, TimePoint until) {
  while (!history.empty() && history.front().moment <= until) history.pop_front();
}

std::size_t Autoscaler::SumOf(const History& history) {
  std::size_t sum = 0;
  for (const Entry& entry : history) sum += entry.servers;
  return sum;
}

}  // namespace upscaler::benchmark
