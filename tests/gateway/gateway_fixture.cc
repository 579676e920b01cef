#include "tests/gateway/gateway_fixture.h"

#include <chrono>

#include <gmock/gmock.h>

#include "client/channel.h"
#include "tests/support/status_matchers.h"

namespace upscaler::test {

GatewayTest::GatewayTest() = default;
GatewayTest::~GatewayTest() = default;

void GatewayTest::Start(UpscaleScript script) {
  service_ = std::make_unique<FakeUpscalerService>(std::move(script));
  StartInFrontOf(service_->target());
}

void GatewayTest::StartInFrontOf(const std::string& target) {
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

HttpReply GatewayTest::Ask(const HttpQuestion& question) {
  return upscaler::test::Ask(gateway_->port(), question);
}

HttpReply GatewayTest::Post(const std::vector<std::pair<std::string, std::string>>& fields,
                            const std::string& headers) {
  return Ask(Question(fields, headers));
}

HttpQuestion GatewayTest::Question(const std::vector<std::pair<std::string, std::string>>& fields,
                                   const std::string& headers) {
  return {.method = "POST",
          .path = "/v1/images/upscale",
          .headers = kMultipart + headers,
          .body = Multipart(fields)};
}

std::vector<RefusedRequest> GatewayTest::refused() {
  const MutexLock lock(mutex_);
  return refused_;
}

nlohmann::json GatewayTest::ErrorIn(const HttpReply& reply) {
  return nlohmann::json::parse(reply.body)["error"];
}

}  // namespace upscaler::test
