// Requests for the simulations: who comes when and wants what.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace upscaler::benchmark {

using Seconds = std::chrono::duration<double>;

struct Job {
  Seconds arrival{};
  int steps = 1;
  int side = 8;  // Of its picture. All pictures cost the same, but only equals share a step.
  std::string prompt;
};

// What a device does in how long.
struct Device {
  std::string name;
  std::function<Seconds(std::size_t rows)> step;
  Seconds decode{};
};

// What of the jobs is left to chance.
struct Mix {
  std::vector<int> steps;     // One of them, all alike.
  std::vector<int> sides{8};  // One of them, all alike.
  std::size_t prompts = 1;    // One of so many, all alike.
};

// So many jobs that come independently of one another, `rate` a second on average. The same
// for the same seed.
std::vector<Job> PoissonJobs(std::size_t count, double rate, const Mix& mix, std::uint64_t seed);

// How long each job would take on a device that does one row at a time and is shared equally
// by all jobs that are there at every moment: what is fair. In the jobs' order.
std::vector<Seconds> FairLatencies(const std::vector<Job>& jobs, const Device& device);

}  // namespace upscaler::benchmark
