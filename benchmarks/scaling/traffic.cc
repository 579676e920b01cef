#include "benchmarks/scaling/traffic.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <sstream>

#include <absl/status/status.h>
#include <fmt/format.h>

namespace upscaler::benchmark {
namespace {

// Between the points around it.
double RateAt(const std::vector<RatePoint>& rates, double second) {
  const auto after = std::ranges::find_if(
      rates, [&](const RatePoint& point) { return point.at.count() > second; });
  if (after == rates.end()) return rates.back().rate;
  const RatePoint& before = *(after - 1);
  const double part = (second - before.at.count()) / (after->at - before.at).count();
  return before.rate + part * (after->rate - before.rate);
}

}  // namespace

absl::StatusOr<std::vector<RatePoint>> ParseRates(const std::string& text) {
  std::vector<RatePoint> rates;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    double second = 0;
    double rate = 0;
    int length = 0;
    const bool read = std::sscanf(part.c_str(), "%lf:%lf%n", &second, &rate, &length) == 2 &&
                      static_cast<std::size_t>(length) == part.size();
    const bool next = rates.empty() ? second == 0 : second > rates.back().at.count();
    if (!read || !next || !(rate >= 0)) {
      return absl::InvalidArgumentError(
          fmt::format("'{}' is no SECONDS:RATE, or not after the one before", part));
    }
    rates.push_back({.at = std::chrono::duration<double>(second), .rate = rate});
  }
  if (rates.size() < 2) return absl::InvalidArgumentError("there are no two points");
  return rates;
}

std::vector<TimePoint> Arrivals(const std::vector<RatePoint>& rates, std::uint64_t seed) {
  // Those of the highest rate, thinned out where it is lower. At a constant rate they are those
  // of upscaler-load.
  const double highest = std::ranges::max(rates, {}, &RatePoint::rate).rate;
  std::vector<TimePoint> arrivals;
  if (highest <= 0) return arrivals;
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> pause(highest);
  std::uniform_real_distribution<double> part;
  for (double second = pause(random); second < rates.back().at.count(); second += pause(random)) {
    const double rate = RateAt(rates, second);
    if (rate < highest && part(random) * highest >= rate) continue;
    arrivals.push_back(TimePoint() + std::chrono::duration_cast<TimePoint::duration>(
                                         std::chrono::duration<double>(second)));
  }
  return arrivals;
}

}  // namespace upscaler::benchmark
