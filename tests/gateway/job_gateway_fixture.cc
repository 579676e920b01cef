#include "tests/gateway/job_gateway_fixture.h"

#include <chrono>
#include <utility>

#include <gmock/gmock.h>

#include "client/channel.h"
#include "tests/support/status_matchers.h"

namespace upscaler::test {

JobGatewayTest::JobGatewayTest() = default;
JobGatewayTest::~JobGatewayTest() = default;

void JobGatewayTest::Start(JobScript script) {
  service_ = std::make_unique<FakeJobService>(std::move(script));
  backends_ = Backends::One(MakeChannel(service_->target()));
  auto gateway = Gateway::Start({.address = "127.0.0.1:0",
                                 .model = [] { return std::string("the-model"); },
                                 .drain_timeout = std::chrono::milliseconds(0)},
                                *backends_, uploads_, clock_);
  ASSERT_THAT(gateway, IsOk());
  gateway_ = *std::move(gateway);
}

HttpReply JobGatewayTest::Ask(const HttpQuestion& question) {
  return upscaler::test::Ask(gateway_->port(), question);
}

HttpReply JobGatewayTest::Get(const std::string& path, const std::string& headers) {
  return Ask({.path = path, .headers = headers});
}

nlohmann::json JobGatewayTest::JsonIn(const HttpReply& reply) {
  return nlohmann::json::parse(reply.body);
}

nlohmann::json JobGatewayTest::ErrorIn(const HttpReply& reply) { return JsonIn(reply)["error"]; }

}  // namespace upscaler::test
