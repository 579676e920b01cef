#include "benchmarks/policy/workload.h"

#include <algorithm>
#include <limits>
#include <map>
#include <random>

#include <fmt/format.h>

namespace upscaler::benchmark {
namespace {

template <typename Value>
const Value& OneOf(const std::vector<Value>& values, std::mt19937_64& random) {
  return values[random() % values.size()];
}

}  // namespace

std::vector<Job> PoissonJobs(std::size_t count, double rate, const Mix& mix, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> pause(rate);
  std::vector<Job> jobs;
  Seconds now{};
  for (std::size_t i = 0; i < count; ++i) {
    now += Seconds(pause(random));
    jobs.push_back({.arrival = now,
                    .steps = OneOf(mix.steps, random),
                    .side = OneOf(mix.sides, random),
                    .prompt = fmt::format("prompt {}", random() % mix.prompts)});
  }
  return jobs;
}

std::vector<Seconds> FairLatencies(const std::vector<Job>& jobs, const Device& device) {
  std::vector<Seconds> latencies(jobs.size());
  std::multimap<Seconds, std::size_t> ends;  // In virtual time: work had by each since the start.
  Seconds now{};
  Seconds virtual_time{};
  std::size_t next = 0;
  while (next < jobs.size() || !ends.empty()) {
    const Seconds arrival =
        next < jobs.size() ? jobs[next].arrival : Seconds(std::numeric_limits<double>::infinity());
    const auto sharers = static_cast<double>(ends.size());
    if (!ends.empty() && now + (ends.begin()->first - virtual_time) * sharers <= arrival) {
      const auto first = ends.begin();
      now += (first->first - virtual_time) * sharers;
      virtual_time = first->first;
      latencies[first->second] = now - jobs[first->second].arrival;
      ends.erase(first);
    } else {
      if (!ends.empty()) virtual_time += (arrival - now) / sharers;
      now = arrival;
      ends.emplace(virtual_time + jobs[next].steps * device.step(1), next);
      ++next;
    }
  }
  return latencies;
}

}  // namespace upscaler::benchmark
