#include "server/jobs/job_digest.h"

#include <set>
#include <string>
#include <vector>

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

TEST(JobDigestTest, CoversWhatIsSaidOfThePicture) {
  std::vector<v1::UpscaleSpec> specs(8);
  specs[1].set_scale(4);
  specs[2].set_tile_size(64);
  specs[3].set_alpha(v1::ALPHA_MODE_DROP);
  specs[4].set_metadata(v1::METADATA_MODE_STRIP);
  specs[5].set_bit_depth(16);
  specs[6].set_lossless(true);
  specs[7].set_embed_parameters(false);

  std::set<std::string> digests;
  for (const v1::UpscaleSpec& spec : specs) digests.insert(DigestOf("picture", spec));

  EXPECT_EQ(digests.size(), specs.size());
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
