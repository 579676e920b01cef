// A gateway on a port of its own, with a scripted job service behind it.

#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/channel.h"
#include "common/clock.h"
#include "common/upload_budget.h"
#include "gateway/gateway.h"
#include "tests/support/fake_job_service.h"
#include "tests/support/http_client.h"
#include "tests/support/status_matchers.h"

namespace upscaler::test {

class JobGatewayTest : public ::testing::Test {
 protected:
  void Start(JobScript script) {
    service_ = std::make_unique<FakeJobService>(std::move(script));
    backends_ = Backends::One(MakeChannel(service_->target()));
    auto gateway = Gateway::Start({.address = "127.0.0.1:0",
                                   .model = [] { return std::string("the-model"); },
                                   .drain_timeout = std::chrono::milliseconds(0)},
                                  *backends_, uploads_, clock_);
    ASSERT_THAT(gateway, IsOk());
    gateway_ = *std::move(gateway);
  }

  HttpReply Ask(const HttpQuestion& question) {
    return upscaler::test::Ask(gateway_->port(), question);
  }
  HttpReply Get(const std::string& path, const std::string& headers = "") {
    return Ask({.path = path, .headers = headers});
  }

  static nlohmann::json JsonIn(const HttpReply& reply) { return nlohmann::json::parse(reply.body); }
  static nlohmann::json ErrorIn(const HttpReply& reply) { return JsonIn(reply)["error"]; }

  SteadyClock clock_;
  UploadBudget uploads_{/*bytes=*/10'000'000};
  std::unique_ptr<FakeJobService> service_;
  std::unique_ptr<const Backends> backends_;
  std::unique_ptr<Gateway> gateway_;  // Last: it calls the service.
};

}  // namespace upscaler::test
