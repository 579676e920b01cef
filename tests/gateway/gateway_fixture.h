// A gateway on a port of its own, with a scripted gRPC service behind it.

#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/channel.h"
#include "common/mutex.h"
#include "common/upload_budget.h"
#include "gateway/gateway.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/http_client.h"
#include "tests/support/status_matchers.h"

namespace upscaler::test {

inline constexpr const char* kMultipart =
    "Content-Type: multipart/form-data; boundary=frontier\r\n";
inline constexpr const char* kJson = "Content-Type: application/json\r\n";

class GatewayTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kMaxUpload = 100'000;

  void Start(UpscaleScript script) {
    service_ = std::make_unique<FakeUpscalerService>(std::move(script));
    StartInFrontOf(service_->target());
  }

  void StartInFrontOf(const std::string& target) {
    backends_ = Backends::One(MakeChannel(target));
    auto gateway = Gateway::Start({.address = "127.0.0.1:0",
                                   .model = model_,
                                   .max_upload_bytes = kMaxUpload,
                                   .drain_timeout = std::chrono::milliseconds(0),
                                   .ready = [this] { return ready_.load(); },
                                   .live = [this] { return live_.load(); },
                                   .server_info = [info = info_] { return info; },
                                   .on_refused =
                                       [this](const RefusedRequest& refused) {
                                         const MutexLock lock(mutex_);
                                         refused_.push_back(refused);
                                       },
                                   .counts_unsent = counts_unsent_,
                                   .authorize = authorize_},
                                  *backends_, uploads_, clock_);
    ASSERT_THAT(gateway, IsOk());
    gateway_ = *std::move(gateway);
  }

  HttpReply Ask(const HttpQuestion& question) {
    return upscaler::test::Ask(gateway_->port(), question);
  }

  HttpReply Post(const std::vector<std::pair<std::string, std::string>>& fields,
                 const std::string& headers = "") {
    return Ask(Question(fields, headers));
  }

  static HttpQuestion Question(const std::vector<std::pair<std::string, std::string>>& fields,
                               const std::string& headers = "") {
    return {.method = "POST",
            .path = "/v1/images/upscale",
            .headers = kMultipart + headers,
            .body = Multipart(fields)};
  }

  // What the gateway has refused by itself so far.
  std::vector<RefusedRequest> refused() {
    const MutexLock lock(mutex_);
    return refused_;
  }

  static nlohmann::json ErrorIn(const HttpReply& reply) {
    return nlohmann::json::parse(reply.body)["error"];
  }

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
