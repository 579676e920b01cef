// scheduling_bench: see --help.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "benchmarks/policy/simulation.h"
#include "benchmarks/policy/workload.h"

namespace upscaler::benchmark {
namespace {

constexpr const char* kFooter = R"(
Time is simulated, so the figures are exact and the same in every run. Latencies are in
steps of one row alone.

Exit codes: 0 done; 1 the file cannot be written; 2 the command line is wrong.)";

constexpr std::size_t kMaxBatch = 8;

// Steps per request, of the figures that scheduling.md asks for.
const std::vector<int> kMixedSteps = {10, 20, 50};

double MeanOf(const std::vector<int>& steps) {
  return std::accumulate(steps.begin(), steps.end(), 0.0) / static_cast<double>(steps.size());
}

// A step of one row takes 1. Half of it is there however many rows share it, as on a GPU
// whose small levels one row does not fill.
Device GainingDevice(double decode = 0) {
  return {.name = "gaining",
          .step = [](std::size_t rows) { return Seconds(0.5 + 0.5 * static_cast<double>(rows)); },
          .decode = Seconds(decode)};
}

// A step of n rows takes n: one row fills the device.
Device LinearDevice(double decode = 0) {
  return {.name = "linear",
          .step = [](std::size_t rows) { return Seconds(static_cast<double>(rows)); },
          .decode = Seconds(decode)};
}

nlohmann::json Summary(std::vector<Seconds> latencies) {
  std::ranges::sort(latencies);
  const auto quantile = [&](double part) {
    return latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))]
        .count();
  };
  const Seconds sum = std::accumulate(latencies.begin(), latencies.end(), Seconds{});
  return {{"mean", sum.count() / static_cast<double>(latencies.size())},
          {"p50", quantile(0.5)},
          {"p95", quantile(0.95)},
          {"p99", quantile(0.99)},
          {"max", latencies.back().count()}};
}

// The worst latency as a multiple of what is fair, over the jobs that `counts` picks.
template <typename Counts>
double WorstUnfairness(const std::vector<Job>& jobs, const std::vector<Seconds>& latencies,
                       const std::vector<Seconds>& fair, Counts counts) {
  double worst = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (counts(jobs[i])) worst = std::max(worst, latencies[i] / fair[i]);
  }
  return worst;
}

// Latencies of every policy, with mixed steps, as the load grows. A load of 1 is what the
// device does one row at a time.
nlohmann::json LoadCurves(const Device& device, const std::vector<double>& loads,
                          std::size_t count) {
  nlohmann::json curves = nlohmann::json::array();
  for (const double load : loads) {
    const std::vector<Job> jobs = PoissonJobs(count, load / MeanOf(kMixedSteps),
                                              {.steps = kMixedSteps, .prompts = 4}, /*seed=*/1);
    const auto add = [&](const char* policy, const std::vector<Seconds>& latencies) {
      curves.push_back({{"policy", policy}, {"load", load}, {"latency", Summary(latencies)}});
    };
    if (load < 1) add("one by one", SimulateWholeRequests(jobs, device, 1));
    add("whole requests", SimulateWholeRequests(jobs, device, kMaxBatch));
    add("whole requests, same prompt", SimulateWholeRequests(jobs, device, kMaxBatch, true));
    if (load < 1) add("steps, none", SimulateSteps(jobs, device, kMaxBatch, Batching::kNone));
    add("steps, same_prompt", SimulateSteps(jobs, device, kMaxBatch, Batching::kSamePrompt));
    add("steps, fill", SimulateSteps(jobs, device, kMaxBatch, Batching::kFill));
  }
  return curves;
}

// The same as many sizes of pictures share the device, none of which may share a step.
nlohmann::json ManySizes(std::size_t count) {
  nlohmann::json policies;
  const Device device = LinearDevice();
  const std::vector<Job> jobs =
      PoissonJobs(count, 0.8 / MeanOf(kMixedSteps),
                  {.steps = kMixedSteps, .sides = {1, 2, 4, 8, 16, 32, 64, 128}}, /*seed=*/1);
  policies["one by one"] = Summary(SimulateWholeRequests(jobs, device, 1));
  policies["turns"] = Summary(SimulateTurns(jobs, device, kMaxBatch));
  policies["steps, fill"] = Summary(SimulateSteps(jobs, device, kMaxBatch, Batching::kFill));
  return policies;
}

// One request in twenty is long and of a size of its own, the others are short.
nlohmann::json Fairness(const Device& device, double load, std::size_t count) {
  std::vector<Job> jobs = PoissonJobs(count, load / (0.95 * 10 + 0.05 * 200), {.steps = {10}}, 1);
  for (std::size_t i = 0; i < jobs.size(); i += 20) {
    jobs[i].steps = 200;
    jobs[i].side = 16;
  }
  const std::vector<Seconds> fair = FairLatencies(jobs, device);
  const std::vector<Seconds> latencies = SimulateSteps(jobs, device, kMaxBatch, Batching::kFill);
  const auto is_long = [](const Job& job) { return job.steps == 200; };
  return {{"device", device.name},
          {"load", load},
          {"worst_of_long_ones", WorstUnfairness(jobs, latencies, fair, is_long)},
          {"worst_of_all", WorstUnfairness(jobs, latencies, fair, [](const Job&) { return true; })},
          {"latency", Summary(latencies)}};
}

// Decoding for as long as eight steps take, beside the steps and between them.
nlohmann::json DecodePlaces(std::size_t count) {
  const Device device = GainingDevice(/*decode=*/8);
  const std::vector<Job> jobs = PoissonJobs(count, 0.7 / MeanOf(kMixedSteps),
                                            {.steps = kMixedSteps, .prompts = 4}, /*seed=*/1);
  const auto run = [&](DecodePlace place) {
    return Summary(SimulateSteps(jobs, device, kMaxBatch, Batching::kFill, place));
  };
  return {{"beside the steps", run(DecodePlace::kBesideTheSteps)},
          {"between the steps", run(DecodePlace::kBetweenTheSteps)}};
}

nlohmann::json RunAll(std::size_t count) {
  nlohmann::json report;
  report["requests_per_point"] = count;
  report["steps"] = kMixedSteps;
  report["max_batch"] = kMaxBatch;
  report["gaining"] = LoadCurves(
      GainingDevice(), {0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6}, count);
  report["linear"] = LoadCurves(LinearDevice(), {0.3, 0.5, 0.7, 0.8, 0.9, 0.95}, count);
  report["many_sizes"] = ManySizes(count);
  report["decode"] = DecodePlaces(count);
  report["fairness"] = nlohmann::json::array();
  for (const double load : {0.5, 0.9}) {
    report["fairness"].push_back(Fairness(LinearDevice(), load, count));
    report["fairness"].push_back(Fairness(GainingDevice(), load, count));
  }
  return report;
}

}  // namespace
}  // namespace upscaler::benchmark

int main(int argc, char** argv) {
  std::string out;
  std::size_t count = 10'000;
  CLI::App app("Simulates ways of scheduling rows, ours among them.", "scheduling_bench");
  app.footer(upscaler::benchmark::kFooter);
  app.add_option("--out", out, "File for the JSON [standard output]");
  app.add_option("--requests", count, "Requests of each simulation")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const std::string report = upscaler::benchmark::RunAll(count).dump(1) + "\n";
  if (out.empty()) {
    std::cout << report;
    return 0;
  }
  std::ofstream file(out);
  file << report;
  file.close();
  if (!file) std::cerr << "scheduling_bench: cannot write " << out << "\n";
  return file ? 0 : 1;
}
