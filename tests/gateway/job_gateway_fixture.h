// A gateway on a port of its own, with a scripted job service behind it.

#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/upload_budget.h"
#include "gateway/gateway.h"
#include "tests/support/fake_job_service.h"
#include "tests/support/http_client.h"

namespace upscaler::test {

class JobGatewayTest : public ::testing::Test {
 protected:
  JobGatewayTest();
  ~JobGatewayTest() override;

  void Start(JobScript script);

  HttpReply Ask(const HttpQuestion& question);
  HttpReply Get(const std::string& path, const std::string& headers = "");

  static nlohmann::json JsonIn(const HttpReply& reply);
  static nlohmann::json ErrorIn(const HttpReply& reply);

  SteadyClock clock_;
  UploadBudget uploads_{/*bytes=*/10'000'000};
  std::unique_ptr<FakeJobService> service_;
  std::unique_ptr<const Backends> backends_;
  std::unique_ptr<Gateway> gateway_;  // Last: it calls the service.
};

}  // namespace upscaler::test
