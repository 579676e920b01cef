// scaling_bench: see --help.

#include <algorithm>
#include <chrono>
#include <iostream>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/status/statusor.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "benchmarks/scaling/costs.h"
#include "benchmarks/scaling/fleet.h"
#include "benchmarks/scaling/traffic.h"

namespace upscaler::benchmark {
namespace {

constexpr const char* kFooter = R"(
The servers are the product's own queue, bound, policy and step loop around a device that only
lets time pass: the times of --costs, which step_costs.py measures. A balancer gives requests
to the servers that are ready by turns; clients that are refused come again when they were told
to, five times in all. With --target, servers are started and ended as Kubernetes' horizontal
pod autoscaler would, looking at upscaler_rows_admitted.

Time is simulated, so the figures are the same on every machine. Prints one JSON object;
all times are in seconds.

Exit codes: 0 done; 1 a file or the rates cannot be read; 2 the command line is wrong.)";

struct Arguments {
  std::string costs;
  Fleet::Options fleet;
  double rate = 0;
  std::size_t pictures = 20'000;
  std::string rates;
  std::optional<double> target;
  std::size_t most_servers = 100;
  std::string pace = "deployed";
  std::optional<double> start_seconds;
  double window = 0;
};

double Seconds(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

nlohmann::json Summary(std::vector<double> values) {
  if (values.empty()) return nullptr;
  std::ranges::sort(values);
  const auto quantile = [&](double part) {
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
  };
  return {{"mean",
           std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size())},
          {"p50", quantile(0.5)},
          {"p95", quantile(0.95)},
          {"p99", quantile(0.99)},
          {"max", values.back()}};
}

// What became of the pictures that came from `from` to `to`.
nlohmann::json Describe(const std::vector<Outcome>& outcomes, double from, double to) {
  std::vector<double> latencies;
  std::vector<double> waits;
  std::size_t pictures = 0;
  int refusals = 0;
  const auto arrival = [](const Outcome& outcome) {
    return Seconds(outcome.arrival - TimePoint());
  };
  const auto first = std::ranges::lower_bound(outcomes, from, {}, arrival);
  const auto end = std::ranges::lower_bound(outcomes, to, {}, arrival);
  for (const Outcome& outcome : std::span(first, end)) {
    ++pictures;
    refusals += outcome.refusals;
    if (outcome.answers == 0) continue;
    latencies.push_back(Seconds(outcome.latency));
    waits.push_back(Seconds(outcome.wait));
  }
  return {{"pictures", pictures},
          {"refusals", refusals},
          {"given_up", pictures - latencies.size()},
          {"latency", Summary(std::move(latencies))},
          {"wait", Summary(std::move(waits))}};
}

// The run in parts of so many seconds.
nlohmann::json Windows(const FleetReport& report, double window) {
  nlohmann::json windows = nlohmann::json::array();
  for (double from = 0; from < Seconds(report.elapsed); from += window) {
    nlohmann::json part = Describe(report.outcomes, from, from + window);
    part["at"] = from;
    std::size_t states = 0;
    std::size_t ready = 0;
    std::size_t most_ready = 0;
    for (const FleetState& state : report.states) {
      const double moment = Seconds(state.moment - TimePoint());
      if (moment < from || moment >= from + window) continue;
      ++states;
      ready += state.ready;
      most_ready = std::max(most_ready, state.ready);
    }
    part["ready"] = states == 0 ? 0 : static_cast<double>(ready) / static_cast<double>(states);
    part["most_ready"] = most_ready;
    windows.push_back(std::move(part));
  }
  return windows;
}

nlohmann::json Describe(const FleetReport& report, const Arguments& arguments, const Costs& costs) {
  nlohmann::json json =
      Describe(report.outcomes, 0, Seconds(report.elapsed) + Seconds(Fleet::kStatePeriod));
  const double server_seconds = Seconds(report.server_time);
  double rows = 0;
  double ready = 0;
  for (const FleetState& state : report.states) {
    rows += static_cast<double>(state.rows);
    ready += static_cast<double>(state.ready);
  }
  json["device"] = costs.device;
  json["seconds"] = Seconds(report.elapsed);
  json["server_hours"] = server_seconds / 3600;
  json["utilization"] =
      Seconds(report.busy) / server_seconds / static_cast<double>(arguments.fleet.server.devices);
  json["rows_per_server"] = ready > 0 ? rows / ready : 0;
  if (arguments.window > 0) json["windows"] = Windows(report, arguments.window);
  return json;
}

absl::StatusOr<std::vector<RatePoint>> RatesOf(const Arguments& arguments) {
  if (!arguments.rates.empty()) return ParseRates(arguments.rates);
  const std::chrono::duration<double> end(static_cast<double>(arguments.pictures) / arguments.rate);
  return std::vector<RatePoint>{{.rate = arguments.rate}, {.at = end, .rate = arguments.rate}};
}

int Run(Arguments arguments) {
  absl::StatusOr<Costs> costs = ReadCosts(arguments.costs);
  const absl::StatusOr<std::vector<RatePoint>> rates = RatesOf(arguments);
  for (const absl::Status& status : {costs.status(), rates.status()}) {
    if (status.ok()) continue;
    std::cerr << "scaling_bench: " << std::string(status.message()) << "\n";
    return 1;
  }
  if (arguments.start_seconds.has_value()) {
    costs->start = std::chrono::duration_cast<TimePoint::duration>(
        std::chrono::duration<double>(*arguments.start_seconds));
  }
  if (arguments.target.has_value() && !costs->start.has_value()) {
    std::cerr << "scaling_bench: how long a server takes to start stands neither in "
              << arguments.costs << " nor in --start-seconds\n";
    return 1;
  }
  if (arguments.target.has_value()) {
    arguments.fleet.autoscaler = {
        .target = *arguments.target,
        .least = arguments.fleet.servers,
        .most = arguments.most_servers,
        .pace = arguments.pace == "deployed" ? kDeployedPace : kKubernetesPace};
  }
  const FleetReport report =
      Fleet(*costs, arguments.fleet).Run(Arrivals(*rates, arguments.fleet.seed));
  std::cout << Describe(report, arguments, *costs).dump(1) << "\n";
  return 0;
}

}  // namespace
}  // namespace upscaler::benchmark

int main(int argc, char** argv) {
  upscaler::benchmark::Arguments arguments;
  upscaler::benchmark::Fleet::Options& fleet = arguments.fleet;
  CLI::App app("Simulates servers behind a balancer under load.", "scaling_bench");
  app.footer(upscaler::benchmark::kFooter);
  app.add_option("--costs", arguments.costs, "File of what pictures cost a device")->required();
  app.add_option("--steps", fleet.steps, "Denoising steps of a picture")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--servers", fleet.servers, "How many; with --target, at least and at first")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--devices", fleet.server.devices, "Of each server")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--queue-capacity", fleet.server.queue_capacity, "As the server's")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-batch", fleet.server.max_batch, "As the server's")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  auto* rate =
      app.add_option("--rate", arguments.rate, "Pictures a second")->check(CLI::PositiveNumber);
  app.add_option("--pictures", arguments.pictures, "How many, with --rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  auto* rates = app.add_option("--rates", arguments.rates,
                               "Instead: SECONDS:RATE,SECONDS:RATE,... with lines between them");
  rates->excludes(rate);
  app.add_option("--target", arguments.target,
                 "Autoscale to so many pictures admitted for each server")
      ->check(CLI::PositiveNumber);
  app.add_option("--most-servers", arguments.most_servers, "With --target")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--pace", arguments.pace,
                 "How fast, with --target: as in deploy/k8s (deployed), or Kubernetes' own")
      ->check(CLI::IsMember({"deployed", "kubernetes"}))
      ->capture_default_str();
  app.add_option("--start-seconds", arguments.start_seconds,
                 "Until a new server is ready [as in --costs]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--window", arguments.window, "Describe also each part of so many seconds")
      ->check(CLI::NonNegativeNumber);
  CLI11_PARSE(app, argc, argv);
  if (rate->count() + rates->count() == 0) {
    std::cerr << "scaling_bench: --rate or --rates is needed\n";
    return 2;
  }
  return upscaler::benchmark::Run(arguments);
}
