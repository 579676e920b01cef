// A gateway on a port of its own, with a scripted gRPC service behind it.

#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/upload_budget.h"
#include "gateway/gateway.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/http_client.h"

namespace upscaler::test {

inline constexpr const char* kMultipart =
    "Content-Type: multipart/form-data; boundary=frontier\r\n";
inline constexpr const char* kJson = "Content-Type: application/json\r\n";

class GatewayTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kMaxUpload = 100'000;

  GatewayTest();
  ~GatewayTest() override;

  void Start(UpscaleScript script);
  void StartInFrontOf(const std::string& target);

  HttpReply Ask(const HttpQuestion& question);
  HttpReply Post(const std::vector<std::pair<std::string, std::string>>& fields,
                 const std::string& headers = "");

  static HttpQuestion Question(const std::vector<std::pair<std::string, std::string>>& fields,
                               const std::string& headers = "");

  // What the gateway has refused by itself so far.
  std::vector<RefusedRequest> refused();

  static nlohmann::json ErrorIn(const HttpReply& reply);

  SteadyClock clock_;
  UploadBudget uploads_{/*bytes=*/1'000'000};
  std::function<std::string()> model_ = [] { return std::string("the-model"); };
  // Set before Start.
  std::function<absl::Status(const std::string&)> authorize_{};
  std::optional<v1::GetServerInfoResponse> info_{};
  bool counts_unsent_ = false;
  std::atomic<bool> ready_ = true;
  std::atomic<bool> live_ = true;
  Mutex mutex_;
  std::vector<RefusedRequest> refused_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<FakeUpscalerService> service_;
  std::unique_ptr<const Backends> backends_;
  std::unique_ptr<Gateway> gateway_;  // Last: it calls the service.
};

}  // namespace upscaler::test
