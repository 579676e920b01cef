// The ways of batching that the product's is compared with. Each is a loop of its own over
// the jobs and shares no code with the product.

#include <algorithm>
#include <list>
#include <map>
#include <set>

#include "benchmarks/policy/simulation.h"

namespace upscaler::benchmark {
namespace {

struct Waiting {
  std::size_t job = 0;
  int steps_left = 0;
};

}  // namespace

std::vector<Seconds> SimulateWholeRequests(const std::vector<Job>& jobs, const Device& device,
                                           std::size_t max_batch, bool same_prompt) {
  std::vector<Seconds> latencies(jobs.size());
  std::list<std::size_t> waiting;
  Seconds now{};
  std::size_t next = 0;
  while (next < jobs.size() || !waiting.empty()) {
    if (waiting.empty()) now = std::max(now, jobs[next].arrival);
    while (next < jobs.size() && jobs[next].arrival <= now) waiting.push_back(next++);

    const Job& oldest = jobs[waiting.front()];
    std::vector<std::size_t> batch;
    for (auto job = waiting.begin(); job != waiting.end() && batch.size() < max_batch;) {
      const bool fits =
          jobs[*job].side == oldest.side && (!same_prompt || jobs[*job].prompt == oldest.prompt);
      if (fits) batch.push_back(*job);
      job = fits ? waiting.erase(job) : std::next(job);
    }
    int steps = 0;
    for (const std::size_t job : batch) steps = std::max(steps, jobs[job].steps);
    now += steps * device.step(batch.size()) + static_cast<double>(batch.size()) * device.decode;
    for (const std::size_t job : batch) latencies[job] = now - jobs[job].arrival;
  }
  return latencies;
}

std::vector<Seconds> SimulateTurns(const std::vector<Job>& jobs, const Device& device,
                                   std::size_t max_batch) {
  std::vector<Seconds> latencies(jobs.size());
  std::map<int, std::list<Waiting>> by_side;  // Of each side the next ones to step first.
  int last_side = 0;
  Seconds now{};
  std::size_t next = 0;
  while (next < jobs.size() || !by_side.empty()) {
    if (by_side.empty()) now = std::max(now, jobs[next].arrival);
    for (; next < jobs.size() && jobs[next].arrival <= now; ++next) {
      by_side[jobs[next].side].push_back({.job = next, .steps_left = jobs[next].steps});
    }
    auto turn = by_side.upper_bound(last_side);
    if (turn == by_side.end()) turn = by_side.begin();
    last_side = turn->first;

    std::list<Waiting>& rows = turn->second;
    const std::size_t batch = std::min(max_batch, rows.size());
    now += device.step(batch);
    for (std::size_t i = 0; i < batch; ++i) {
      Waiting row = rows.front();
      rows.pop_front();
      if (--row.steps_left > 0) {
        rows.push_back(row);
      } else {
        now += device.decode;
        latencies[row.job] = now - jobs[row.job].arrival;
      }
    }
    if (rows.empty()) by_side.erase(turn);
  }
  return latencies;
}

}  // namespace upscaler::benchmark
