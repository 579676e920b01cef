#include "client/cli/command_line.h"

#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
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

  EXPECT_THAT(line.inputs, ElementsAre("in.png"));
  EXPECT_EQ(line.output, "out.png");
  EXPECT_EQ(line.suffix, "-2x");
  EXPECT_EQ(line.jobs, 2U);
  EXPECT_EQ(line.server.target, "localhost:8998");
  EXPECT_FALSE(line.server.tls);
  EXPECT_EQ(line.api_key, "");
  EXPECT_EQ(line.timeout, std::nullopt);
  EXPECT_EQ(line.retry_for, std::nullopt);
  EXPECT_EQ(line.spec.output_format(), v1::IMAGE_FORMAT_UNSPECIFIED);
  EXPECT_EQ(line.latents_family, v1::LATENTS_FAMILY_UNSPECIFIED);
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
                                      "--format",
                                      "jpeg",
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
  EXPECT_EQ(line.server.target, "there:1");
  EXPECT_TRUE(line.quiet);
  EXPECT_TRUE(line.json);
}

TEST_F(CommandLineTest, TakesTheServerFromTheEnvironment) {
  ::setenv("UPSCALER_SERVER", "elsewhere:2", 1);

  const CommandLine line = ParseGood({"in.png", "-o", "out.png"});

  ::unsetenv("UPSCALER_SERVER");
  EXPECT_EQ(line.server.target, "elsewhere:2");
}

TEST_F(CommandLineTest, ReadsHowToGoThroughManyFiles) {
  const CommandLine line =
      ParseGood({"a.png", "photos", "-o", "large", "-r", "--suffix=-big", "--skip-existing",
                 "--overwrite-input", "--fail-fast", "--dry-run", "--jobs", "8", "--retry", "0"});

  EXPECT_THAT(line.inputs, ElementsAre("a.png", "photos"));
  EXPECT_TRUE(line.recursive && line.skip_existing && line.overwrite_input && line.fail_fast &&
              line.dry_run);
  EXPECT_EQ(line.suffix, "-big");
  EXPECT_EQ(line.jobs, 8U);
  EXPECT_THAT(line.retry_for, Optional(0ms));
}

TEST_F(CommandLineTest, GoesOnAfterAFailureUnlessToldOtherwise) {
  EXPECT_FALSE(ParseGood({"a.png"}).fail_fast);
  EXPECT_FALSE(ParseGood({"a.png", "--keep-going"}).fail_fast);
}

TEST_F(CommandLineTest, ReadsTheSizeToResizeTo) {
  const CommandLine line = ParseGood({"a.png", "--resize", "640x480"});

  EXPECT_EQ(line.spec.resize_to().width(), 640U);
  EXPECT_EQ(line.spec.resize_to().height(), 480U);
  EXPECT_FALSE(ParseGood({"a.png"}).spec.has_resize_to());
}

TEST_F(CommandLineTest, ReadsWhatIsSaidOfThePicture) {
  const v1::UpscaleSpec spec =
      ParseGood({"a.png", "--scale", "4", "--tile-size", "512", "--alpha", "drop", "--metadata",
                 "all", "--format", "tiff", "--bit-depth", "16", "--lossless", "--no-parameters"})
          .spec;

  EXPECT_EQ(spec.scale(), 4U);
  EXPECT_EQ(spec.tile_size(), 512U);
  EXPECT_EQ(spec.alpha(), v1::ALPHA_MODE_DROP);
  EXPECT_EQ(spec.metadata(), v1::METADATA_MODE_KEEP_ALL);
  EXPECT_EQ(spec.output_format(), v1::IMAGE_FORMAT_TIFF);
  EXPECT_EQ(spec.bit_depth(), 16U);
  EXPECT_TRUE(spec.lossless());
  EXPECT_TRUE(spec.has_embed_parameters());
  EXPECT_FALSE(spec.embed_parameters());
  EXPECT_EQ(ParseGood({"a.png", "--format", "avif"}).spec.output_format(), v1::IMAGE_FORMAT_AVIF);
}

TEST_F(CommandLineTest, LeavesWhatIsNotSaidOfThePictureToTheServer) {
  const v1::UpscaleSpec spec = ParseGood({"a.png"}).spec;

  EXPECT_EQ(spec.SerializeAsString(), "");
}

TEST_F(CommandLineTest, NamesOutputsAfterTheScaleUnlessTold) {
  EXPECT_EQ(ParseGood({"a.png", "--scale", "2"}).suffix, "-2x");
  EXPECT_EQ(ParseGood({"a.png", "--scale", "4"}).suffix, "-4x");
  EXPECT_EQ(ParseGood({"a.png", "--scale", "4", "--suffix=-big"}).suffix, "-big");
  EXPECT_EQ(ParseGood({"a.png", "--scale", "4", "--suffix", ""}).suffix, "");
}

TEST_F(CommandLineTest, RefusesChoicesThatThereAreNot) {
  for (const auto& [option, value] :
       {std::pair("--scale", "3"), std::pair("--scale", "2x"), std::pair("--tile-size", "-1"),
        std::pair("--alpha", "white"), std::pair("--metadata", "some"),
        std::pair("--bit-depth", "12"), std::pair("--format", "bmp")}) {
    EXPECT_EQ(ParseBad({"in.png", option, value}), ExitCode::kUsage) << option;
    EXPECT_THAT(err_.str(), HasSubstr(option));
  }
}

TEST_F(CommandLineTest, ReadsWhatIsSaidOfLatents) {
  const CommandLine line =
      ParseGood({"a.npy", "--output-type", "latents", "--latents-family", "sd2"});

  EXPECT_EQ(line.spec.output_type(), v1::OUTPUT_TYPE_LATENTS);
  EXPECT_EQ(line.latents_family, v1::LATENTS_FAMILY_STABLE_DIFFUSION_2);
}

TEST_F(CommandLineTest, TakesFilesOfTlsForAWishForIt) {
  const CommandLine line =
      ParseGood({"a.png", "--tls-ca", "ca.pem", "--tls-cert", "me.pem", "--tls-key", "me.key"});

  EXPECT_TRUE(line.server.tls);
  EXPECT_EQ(line.server.ca_file, "ca.pem");
  EXPECT_EQ(line.server.certificate_file, "me.pem");
  EXPECT_EQ(line.server.key_file, "me.key");
}

TEST_F(CommandLineTest, TakesTheKeyFromTheVariableTheOptionOrTheFile) {
  const test::TemporaryFolder folder;
  const std::string file = folder.Write("key", "from-file\nand more\n");
  ::setenv("UPSCALER_API_KEY", "from-variable", 1);

  const CommandLine variable = ParseGood({"a.png"});
  const CommandLine option = ParseGood({"a.png", "--api-key", "from-option"});
  const CommandLine read = ParseGood({"a.png", "--api-key-file", file.c_str()});

  ::unsetenv("UPSCALER_API_KEY");
  EXPECT_EQ(variable.api_key, "from-variable");
  EXPECT_EQ(option.api_key, "from-option");
  EXPECT_EQ(read.api_key, "from-file");
}

TEST_F(CommandLineTest, EndsWith3WhenTheKeysFileIsMissing) {
  EXPECT_EQ(ParseBad({"a.png", "--api-key-file", "/missing/key"}), ExitCode::kFile);
  EXPECT_THAT(err_.str(), HasSubstr("/missing/key"));
}

TEST_F(CommandLineTest, RefusesWhatNeedsSomethingElse) {
  EXPECT_EQ(ParseBad({"a.png", "--model", "folder"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"a.png", "--tls-cert", "me.pem"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"a.png", "--fail-fast", "--keep-going"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"a.png", "--suffix=/x"}), ExitCode::kUsage);
}

TEST_F(CommandLineTest, RefusesTwoThingsOnStandardOutput) {
  EXPECT_EQ(ParseBad({"in.png", "-o", "-", "--json"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "-o", "-", "--n", "2"}), ExitCode::kUsage);
}

TEST_F(CommandLineTest, RefusesWhatIsMissingOrNoNumber) {
  EXPECT_EQ(ParseBad({}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "-o", "out.png", "--steps", "many"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "-o", "out.png", "--seed", "-1"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "-o", "out.png", "--steps", "4294967296"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "--resize", "640"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "--jobs", "0"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "--jobs", "257"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "--retry", "-1"}), ExitCode::kUsage);
  EXPECT_EQ(ParseBad({"in.png", "--latents-family", "sdxl"}), ExitCode::kUsage);
  for (const char* timeout : {"0", "-1", "nan", "1e300"}) {
    EXPECT_EQ(ParseBad({"in.png", "-o", "out.png", "--timeout", timeout}), ExitCode::kUsage);
  }
}

TEST_F(CommandLineTest, NamesTheDefaultOfEveryOptionThatTakesAValue) {
  EXPECT_EQ(ParseBad({"--help"}), ExitCode::kOk);

  // "  --steps NUMBER", then spaces or a new line, then words.
  const std::regex option(R"(\n  (?:-.,)?(--[a-z-]+) (?:WxH|[A-Z][A-Z:]+)\s+([^\n]*))");
  const std::string help = out_.str();
  int options = 0;
  for (std::sregex_iterator i(help.begin(), help.end(), option), end; i != end; ++i) {
    EXPECT_THAT((*i)[2].str(), HasSubstr("(default: ")) << (*i)[1].str();
    ++options;
  }
  EXPECT_GT(options, 15);
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
