#include "server/jobs/job_digest.h"

#include <string>

#include <gtest/gtest.h>

#include "common/sha256.h"

namespace upscaler {
namespace {

v1::UpscaleSpec SpecOf(const std::string& prompt) {
  v1::UpscaleSpec spec;
  spec.set_prompt(prompt);
  return spec;
}

std::string DigestOf(const std::string& input, const v1::UpscaleSpec& spec,
                     const v1::LatentsInfo* latents = nullptr) {
  JobDigest digest;
  digest.AddInput(input);
  return digest.Finish(spec, latents);
}

TEST(JobDigestTest, DoesNotDependOnHowTheInputIsCut) {
  JobDigest cut;
  cut.AddInput("pic");
  cut.AddInput("");
  cut.AddInput("ture");

  EXPECT_EQ(cut.Finish(SpecOf("a"), nullptr), DigestOf("picture", SpecOf("a")));
}

TEST(JobDigestTest, TellsInputsSettingsAndLatentsApart) {
  v1::LatentsInfo latents;
  latents.set_height(8);
  const std::string digest = DigestOf("picture", SpecOf("a"));

  EXPECT_EQ(digest.size(), 32U);
  EXPECT_NE(DigestOf("pictures", SpecOf("a")), digest);
  EXPECT_NE(DigestOf("picture", SpecOf("b")), digest);
  EXPECT_NE(DigestOf("picture", SpecOf("a"), &latents), digest);
}

TEST(JobDigestTest, SaysWhichVersionItIsOf) {
  Sha256 expected;
  expected.Add(
      "picture"
      "0000000000000000"
      "0000000000000000"
      "00000001");

  EXPECT_EQ(DigestOf("picture", {}), expected.Finish());
}

TEST(JobDigestTest, TellsWhatIsInputFromWhatIsSettings) {
  const v1::UpscaleSpec spec = SpecOf("a");
  std::string input = "picture";
  input += spec.SerializeAsString();

  EXPECT_NE(DigestOf("picture", spec), DigestOf(input, {}));
}

}  // namespace
}  // namespace upscaler
