#include "client/cli/command_line.h"

#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Optional;

class CommandLineTest : public ::testing::Test {
 protected:
  std::variant<CommandLine, ExitCode> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "upscale");
    return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data(), out_, err_);
  }

  CommandLine ParseGood(const std::vector<const char*>& arguments) {
    auto parsed = Parse(arguments);
    EXPECT_TRUE(std::holds_alternative<CommandLine>(parsed)) << err_.str();
    return std::get<CommandLine>(parsed);
  }

  ExitCode ParseBad(const std::vector<const char*>& arguments) {
    auto parsed = Parse(arguments);
    EXPECT_TRUE(std::holds_alternative<ExitCode>(parsed));
    return std::get<ExitCode>(parsed);
  }

  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CommandLineTest, LeavesTheServersDefaultsToTheServer) {
  const CommandLine line = ParseGood({"in.png", "-o", "out.png"});

  EXPECT_EQ(line.input, "in.png");
  EXPECT_EQ(line.output, "out.png");
  EXPECT_EQ(line.server, "localhost:8998");
  EXPECT_EQ(line.timeout, std::nullopt);
  EXPECT_FALSE(line.spec.has_guidance_scale());
  EXPECT_FALSE(line.spec.has_num_inference_steps());
  EXPECT_FALSE(line.spec.has_seed());
  EXPECT_FALSE(line.spec.has_image_count());
}

TEST_F(CommandLineTest, ReadsEverySetting) {
  const CommandLine line = ParseGood({"in.png",
                                      "-o",
                                      "out.jpg",
                                      "--prompt",
                                      "a cat",
                                      "--negative-prompt",
                                      "a dog",
                                      "--guidance-scale",
                                      "3.5",
                                      "--steps",
                                      "10",
                                      "--seed",
                                      "18446744073709551615",
                                      "--n",
                                      "2",
                                      "--quality",
                                      "80",
                                      "--timeout",
                                      "1.5",
                                      "--server",
                                      "there:1",
                                      "--quiet",
                                      "--json"});

  EXPECT_EQ(line.spec.prompt(), "a cat");
  EXPECT_EQ(line.spec.negative_prompt(), "a dog");
  EXPECT_EQ(line.spec.guidance_scale(), 3.5);
  EXPECT_EQ(line.spec.num_inference_steps(), 10U);
  EXPECT_EQ(line.spec.seed(), UINT64_MAX);
  EXPECT_EQ(line.spec.image_count(), 2U);
  EXPECT_EQ(line.spec.quality(), 80U);
  EXPECT_EQ(line.spec.output_format(), v1::IMAGE_FORMAT_JPEG);
  EXPECT_THAT(line.timeout, Optional(1500ms));
  EXPECT_EQ(line.server, "there:1");
  EXPECT_TRUE(line.quiet);
  EXPECT_TRUE(line.json);
}

TEST_F(CommandLineTest, TakesTheServerFromTheEnvironment) {
  ::setenv("UPSCALER_SERVER", "elsewhere:2", 1);

  const CommandLine line = ParseGood({"in.png", "-o", "out.png"});

  ::unsetenv("UPSCALER_SERVER");
  EXPECT_EQ(line.server, "elsewhere:2");
}

TEST_F(CommandLineTest, PrefersTheFormatThatWasNamed) {
  EXPECT_EQ(ParseGood({"in.png", "-o", "out.png", "--format", "webp"}).spec.output_format(),
            v1::IMAGE_FORMAT_WEBP);
}

TEST_F(CommandLineTest, WritesPngToStandardOutput) {
  EXPECT_EQ(ParseGood({"-", "-o", "-"}).spec.output_format(), v1::IMAGE_FORMAT_PNG);
}

TEST_F(CommandLineTest, RefusesANameThatDoesNotTellTheFormat) {
  EXPECT_EQ(ParseBad({"in.png", "-o", "out.bmp"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("give --format"));
}

TEST_F(CommandLineTest, RefusesTwoThingsOnStandardOutput) {
  EXPECT_EQ(ParseBad({"in.png", "-o", "-", "--json"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "-o", "-", "--n", "2"}), ExitCode::kUsage);
}

TEST_F(CommandLineTest, RefusesWhatIsMissingOrNoNumber) {
  EXPECT_EQ(ParseBad({}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "-o", "out.png", "--steps", "many"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "-o", "out.png", "--seed", "-1"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "-o", "out.png", "--steps", "4294967296"}), ExitCode::kUsage);
  for (const char* timeout : {"0", "-1", "nan", "1e300"}) {
    EXPECT_EQ(ParseBad({"in.png", "-o", "out.png", "--timeout", timeout}), ExitCode::kUsage);
  }
}

TEST_F(CommandLineTest, ExplainsItselfOnStandardOutput) {
  EXPECT_EQ(ParseBad({"--help"}), ExitCode::kOk);
  EXPECT_THAT(out_.str(), HasSubstr("Exit codes:"));
  EXPECT_EQ(ParseBad({"--version"}), ExitCode::kOk);
  EXPECT_THAT(out_.str(), HasSubstr("upscale 0."));
  EXPECT_EQ(err_.str(), "");
}

}  // namespace
}  // namespace upscaler
