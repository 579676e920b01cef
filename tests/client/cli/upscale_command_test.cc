#include "client/cli/upscale_command.h"

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/fake_upscaler_service.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::FakeUpscalerService;
using test::GoodScript;
using test::UpscaleScript;
using ::testing::HasSubstr;

class UpscaleCommandTest : public ::testing::Test {
 protected:
  UpscaleCommandTest() {
    line_.input = folder_.Write("in.png", "the image");
    line_.output = folder_.Path("out.png");
  }

  // Runs line_ against a service that plays `script`.
  ExitCode Run(const UpscaleScript& script) {
    const FakeUpscalerService service(script);
    line_.server = service.target();
    return Run();
  }

  ExitCode Run() { return RunUpscale(line_, {.in = in_, .out = out_, .err = err_}); }

  test::TemporaryFolder folder_;
  CommandLine line_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(UpscaleCommandTest, WritesThePicture) {
  EXPECT_EQ(Run(GoodScript({"the picture"})), ExitCode::kOk);

  EXPECT_EQ(folder_.Read("out.png"), "the picture");
  EXPECT_THAT(err_.str(), HasSubstr("64x32, seed 7"));
  EXPECT_THAT(err_.str(), HasSubstr("warning: the prompt was cut"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(UpscaleCommandTest, NumbersSeveralPictures) {
  EXPECT_EQ(Run(GoodScript({"one", "two"})), ExitCode::kOk);

  EXPECT_EQ(folder_.Read("out-1.png"), "one");
  EXPECT_EQ(folder_.Read("out-2.png"), "two");
}

TEST_F(UpscaleCommandTest, WritesToStandardOutputAndNothingElseThere) {
  line_.output = "-";

  EXPECT_EQ(Run(GoodScript({"the picture"})), ExitCode::kOk);

  EXPECT_EQ(out_.str(), "the picture");
}

TEST_F(UpscaleCommandTest, IsSilentWhenQuiet) {
  line_.quiet = true;

  EXPECT_EQ(Run(GoodScript({"the picture"})), ExitCode::kOk);

  EXPECT_EQ(err_.str() + out_.str(), "");
}

TEST_F(UpscaleCommandTest, TellsProgramsTheFacts) {
  line_.json = true;

  EXPECT_EQ(Run(GoodScript({"the picture"})), ExitCode::kOk);

  const auto facts = nlohmann::json::parse(out_.str());
  EXPECT_EQ(facts["pictures"][0]["file"], line_.output);
  EXPECT_EQ(facts["pictures"][0]["format"], "png");
  EXPECT_EQ(facts["pictures"][0]["width"], 64);
  EXPECT_EQ(facts["pictures"][0]["seed"], 7);
  EXPECT_EQ(facts["timings"]["total"], 1.5);
  EXPECT_EQ(facts["warnings"][0], "the prompt was cut");
}

TEST_F(UpscaleCommandTest, EndsWith1WhenTheServerRefuses) {
  EXPECT_EQ(Run({.status = {grpc::StatusCode::INVALID_ARGUMENT, "image: no"}}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "upscale: image: no\n");
}

TEST_F(UpscaleCommandTest, EndsWith1AndTheTimeToComeBackWhenTheServerDrains) {
  google::rpc::ErrorInfo info;
  info.set_reason("DRAINING");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(1);
  retry.mutable_retry_delay()->set_seconds(4);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  details.add_details()->PackFrom(retry);

  const ExitCode code = Run({.status = {grpc::StatusCode::UNAVAILABLE, "the server is draining",
                                        details.SerializeAsString()}});

  EXPECT_EQ(code, ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("the server is draining; try again in 4 s"));
}

TEST_F(UpscaleCommandTest, EndsWith3WhenAFileCannotBeRead) {
  line_.input = folder_.Path("missing.png");

  EXPECT_EQ(Run(), ExitCode::kFile);
  EXPECT_THAT(err_.str(), HasSubstr("cannot read"));
}

TEST_F(UpscaleCommandTest, EndsWith3BeforeTheWorkWhenTheFolderIsMissing) {
  line_.output = folder_.Path("missing/out.png");

  EXPECT_EQ(Run(), ExitCode::kFile);
}

TEST_F(UpscaleCommandTest, EndsWith4WhenThereIsNoServer) {
  line_.server = "127.0.0.1:1";

  EXPECT_EQ(Run(), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("cannot reach the server at 127.0.0.1:1"));
}

}  // namespace
}  // namespace upscaler
