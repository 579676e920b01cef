// Jobs on one device, in simulated time: exact, the same in every run, and done in seconds.

#pragma once

#include <cstddef>
#include <vector>

#include "benchmarks/policy/workload.h"
#include "worker/queue/batch_policy.h"

namespace upscaler::benchmark {

// Where finished rows are decoded.
enum class DecodePlace { kBesideTheSteps, kBetweenTheSteps };

// The product's own queue, policy and step loop, around an engine that only lets time pass.
// Answers the latency of each job.
std::vector<Seconds> SimulateSteps(const std::vector<Job>& jobs, const Device& device,
                                   std::size_t max_batch, Batching batching,
                                   DecodePlace decode = DecodePlace::kBesideTheSteps);

// What is usual elsewhere: whole requests in the order of their arrival, as many at a time as
// are waiting, at most `max_batch`, of one size and, if so wished, one prompt; all of a batch
// are answered when the longest is done, and nobody joins. With a max_batch of 1: one by one.
std::vector<Seconds> SimulateWholeRequests(const std::vector<Job>& jobs, const Device& device,
                                           std::size_t max_batch, bool same_prompt = false);

// Taking turns: one step of the best batch of each size after the other.
std::vector<Seconds> SimulateTurns(const std::vector<Job>& jobs, const Device& device,
                                   std::size_t max_batch);

}  // namespace upscaler::benchmark
