// upscaler-load: see --help.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "benchmarks/load/load.h"
#include "common/version.h"

namespace upscaler::benchmark {
namespace {

constexpr const char* kFooter = R"(
Without --rate it is a closed loop: --requests in all, --concurrency at a time.
Prints one JSON object: how many requests were answered, refused and failed, answers a
second, and the latencies of answers and refusals in milliseconds.

Exit codes: 0 the load was run; 1 a request failed otherwise than by being refused, or
the picture cannot be read; 2 the command line is wrong.)";

// Of the latencies of the samples with `code`, in milliseconds.
nlohmann::json Latencies(const std::vector<Sample>& samples, absl::StatusCode code) {
  std::vector<double> milliseconds;
  for (const Sample& sample : samples) {
    if (sample.code == code) milliseconds.push_back(1000 * sample.latency.count());
  }
  if (milliseconds.empty()) return nullptr;
  std::ranges::sort(milliseconds);
  const auto quantile = [&](double part) {
    const auto last = static_cast<double>(milliseconds.size() - 1);
    return milliseconds[static_cast<std::size_t>(part * last)];
  };
  const double sum = std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0);
  return {{"mean", sum / static_cast<double>(milliseconds.size())},
          {"p50", quantile(0.5)},
          {"p90", quantile(0.9)},
          {"p95", quantile(0.95)},
          {"p99", quantile(0.99)},
          {"max", milliseconds.back()}};
}

nlohmann::json Report(const LoadResult& result) {
  const auto count = [&](absl::StatusCode code) {
    return std::ranges::count(result.samples, code, &Sample::code);
  };
  const auto answered = count(absl::StatusCode::kOk);
  const auto refused = count(absl::StatusCode::kResourceExhausted);
  return {{"requests", result.samples.size()},
          {"answered", answered},
          {"refused", refused},
          {"failed", static_cast<std::ptrdiff_t>(result.samples.size()) - answered - refused},
          {"seconds", result.elapsed.count()},
          {"answers_per_second", static_cast<double>(answered) / result.elapsed.count()},
          {"answer_ms", Latencies(result.samples, absl::StatusCode::kOk)},
          {"refusal_ms", Latencies(result.samples, absl::StatusCode::kResourceExhausted)}};
}

}  // namespace
}  // namespace upscaler::benchmark

int main(int argc, char** argv) {
  using namespace upscaler::benchmark;
  LoadOptions options;
  std::string picture;
  CLI::App app("Puts a server under load and says how it went.", "upscaler-load");
  app.set_version_flag("--version",
                       std::string("upscaler-load ") + std::string(upscaler::kVersion));
  app.footer(kFooter);
  auto* grpc = app.add_option("--grpc", options.grpc_address, "host:port of the server's gRPC");
  app.add_option("--rest", options.rest_port, "Port of the server's REST, on this machine")
      ->excludes(grpc);
  app.add_option("--picture", picture, "File of the picture to send")->required();
  app.add_option("--steps", options.steps, "Denoising steps of each request")
      ->capture_default_str();
  app.add_flag("!--different-prompts", options.same_prompt, "A prompt of its own for each request");
  app.add_option("--requests", options.requests, "How many requests")->capture_default_str();
  app.add_option("--concurrency", options.concurrency, "How many at a time")->capture_default_str();
  app.add_option("--rate", options.rate, "Requests a second, whether or not they are answered");
  app.add_option("--seconds", options.seconds, "For how long, with --rate");
  CLI11_PARSE(app, argc, argv);

  std::ifstream file(picture, std::ios::binary);
  options.picture.assign(std::istreambuf_iterator(file), {});
  if (options.picture.empty()) {
    std::cerr << "upscaler-load: cannot read " << picture << "\n";
    return 1;
  }
  const LoadResult result =
      options.grpc_address.empty() ? RunRestLoad(options) : RunGrpcLoad(options);
  const nlohmann::json report = Report(result);
  std::cout << report.dump(2) << "\n";
  return report["failed"] == 0 ? 0 : 1;
}
