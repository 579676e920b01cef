// Load by REST, a connection for each request, as curl makes it.

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/load/load.h"
#include "common/mutex.h"
#include "tests/support/http_client.h"

namespace upscaler::benchmark {
namespace {

using Clock = std::chrono::steady_clock;

// Of the statuses that a load can bring about.
absl::StatusCode CodeOf(int http_status) {
  if (http_status == 200) return absl::StatusCode::kOk;
  if (http_status == 429) return absl::StatusCode::kResourceExhausted;
  if (http_status == 503) return absl::StatusCode::kUnavailable;
  return absl::StatusCode::kUnknown;
}

Sample RunOne(const LoadOptions& options, std::size_t number) {
  const std::string prompt =
      options.same_prompt ? "a photograph" : "photograph " + std::to_string(number);
  const test::HttpQuestion question = {
      .method = "POST",
      .path = "/v1/images/upscale",
      .headers = "Content-Type: multipart/form-data; boundary=frontier\r\n",
      .body = test::Multipart({{"image", options.picture},
                               {"prompt", prompt},
                               {"seed", std::to_string(number)},
                               {"num_inference_steps", std::to_string(options.steps)}})};
  const Clock::time_point start = Clock::now();
  const test::HttpReply reply = test::Ask(options.rest_port, question);
  return {.code = CodeOf(reply.status), .latency = Clock::now() - start};
}

}  // namespace

LoadResult RunRestLoad(const LoadOptions& options) {
  RunOne(options, 0);  // As for gRPC: the first one is not counted.
  Mutex mutex;
  LoadResult result;
  std::atomic<std::size_t> started = 0;
  const Clock::time_point start = Clock::now();
  {
    std::vector<std::jthread> clients;
    for (std::size_t i = 0; i < options.concurrency; ++i) {
      clients.emplace_back([&] {
        for (std::size_t number = 0; (number = ++started) <= options.requests;) {
          const Sample sample = RunOne(options, number);
          MutexLock lock(mutex);
          result.samples.push_back(sample);
        }
      });
    }
  }
  result.elapsed = Clock::now() - start;
  return result;
}

}  // namespace upscaler::benchmark
