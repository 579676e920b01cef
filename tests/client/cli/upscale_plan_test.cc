#include "client/cli/upscale_plan.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class UpscalePlanTest : public ::testing::Test {
 protected:
  UpscalePlanTest() {
    std::filesystem::create_directories(folder_.path() / "photos" / "june");
    std::filesystem::create_directories(folder_.path() / "out");
    for (const char* name : {"cat.png", "photos/dog.jpg", "photos/june/bee.png", "l.npy"}) {
      folder_.Write(name, "bytes");
    }
  }

  // The outputs, from the folder on.
  std::vector<std::string> Outputs(const CommandLine& line) {
    plan_ = MakePlan(line);
    EXPECT_THAT(plan_, IsOk());
    std::vector<std::string> outputs;
    if (!plan_.ok()) return outputs;
    for (const FileTask& task : plan_->tasks) {
      for (const std::string& path : task.outputs) {
        outputs.push_back(std::filesystem::path(path).lexically_relative(folder_.path()).string());
      }
    }
    return outputs;
  }

  std::string Refusal(const CommandLine& line) {
    const auto plan = MakePlan(line);
    EXPECT_THAT(plan, StatusIs(absl::StatusCode::kInvalidArgument));
    return std::string(plan.status().message());
  }

  test::TemporaryFolder folder_;
  const std::string cat_ = folder_.Path("cat.png");
  const std::string photos_ = folder_.Path("photos");
  absl::StatusOr<UpscalePlan> plan_;
};

TEST_F(UpscalePlanTest, TakesTheOutputForAFileWhereThereIsOneInput) {
  EXPECT_THAT(Outputs({.inputs = {cat_}, .output = folder_.Path("big.webp")}),
              ElementsAre("big.webp"));
  EXPECT_EQ(plan_->spec.output_format(), v1::IMAGE_FORMAT_WEBP);
  EXPECT_FALSE(plan_->tasks[0].make_folder);
}

TEST_F(UpscalePlanTest, NamesOutputsAfterTheirFormat) {
  CommandLine line{.inputs = {cat_}, .output = folder_.Path("out")};
  for (const auto& [format, name] : {std::pair(v1::IMAGE_FORMAT_PNG, "out/cat-2x.png"),
                                     std::pair(v1::IMAGE_FORMAT_JPEG, "out/cat-2x.jpg"),
                                     std::pair(v1::IMAGE_FORMAT_WEBP, "out/cat-2x.webp"),
                                     std::pair(v1::IMAGE_FORMAT_TIFF, "out/cat-2x.tiff"),
                                     std::pair(v1::IMAGE_FORMAT_AVIF, "out/cat-2x.avif")}) {
    line.spec.set_output_format(format);
    EXPECT_THAT(Outputs(line), ElementsAre(name));
  }
}

TEST_F(UpscalePlanTest, TakesTheOutputForAFolderThatExistsOrLooksLikeOne) {
  EXPECT_THAT(Outputs({.inputs = {cat_}, .output = folder_.Path("out")}),
              ElementsAre("out/cat-2x.png"));
  EXPECT_THAT(Outputs({.inputs = {cat_}, .output = folder_.Path("new/")}),
              ElementsAre("new/cat-2x.png"));
  EXPECT_TRUE(plan_->tasks[0].make_folder);
}

TEST_F(UpscalePlanTest, PutsOutputsBesideTheirInputsWhereNothingIsSaid) {
  CommandLine line{.inputs = {cat_, photos_}, .suffix = ".big"};
  line.spec.set_output_format(v1::IMAGE_FORMAT_JPEG);

  EXPECT_THAT(Outputs(line), ElementsAre("cat.big.jpg", "photos/dog.big.jpg"));
}

TEST_F(UpscalePlanTest, KeepsTheStructureOfAFolder) {
  EXPECT_THAT(Outputs({.inputs = {photos_}, .output = folder_.Path("new"), .recursive = true}),
              ElementsAre("new/dog-2x.png", "new/june/bee-2x.png"));
}

TEST_F(UpscalePlanTest, DoesNotReadAnOutputFolderInsideTheInput) {
  EXPECT_THAT(
      Outputs({.inputs = {photos_}, .output = folder_.Path("photos/june"), .recursive = true}),
      ElementsAre("photos/june/dog-2x.png"));
}

TEST_F(UpscalePlanTest, DoesNotReadItsOwnOutputsAgain) {
  folder_.Write("photos/dog-2x.png", "output");

  EXPECT_THAT(Outputs({.inputs = {photos_}}), ElementsAre("photos/dog-2x.png"));
  EXPECT_THAT(Outputs({.inputs = {photos_}, .output = photos_}), ElementsAre("photos/dog-2x.png"));
  // Elsewhere, nothing can be confused.
  EXPECT_THAT(Outputs({.inputs = {photos_}, .output = folder_.Path("out")}), SizeIs(2));
}

TEST_F(UpscalePlanTest, NumbersVersions) {
  CommandLine line{.inputs = {cat_}, .output = folder_.Path("big.png")};
  line.spec.set_image_count(2);

  EXPECT_THAT(Outputs(line), ElementsAre("big-1.png", "big-2.png"));
}

TEST_F(UpscalePlanTest, NamesLatentsAfterNumpy) {
  CommandLine line{.inputs = {cat_}};
  line.spec.set_output_type(v1::OUTPUT_TYPE_LATENTS);

  EXPECT_THAT(Outputs(line), ElementsAre("cat-2x.npy"));
  EXPECT_EQ(plan_->spec.output_format(), v1::IMAGE_FORMAT_UNSPECIFIED);
}

TEST_F(UpscalePlanTest, ChoosesTheFormatBySuffixUnlessItIsNamed) {
  EXPECT_THAT(Refusal({.inputs = {cat_}, .output = folder_.Path("cat.bmp")}),
              HasSubstr("give --format"));
  CommandLine named{.inputs = {cat_}, .output = folder_.Path("cat.bmp")};
  named.spec.set_output_format(v1::IMAGE_FORMAT_JPEG);
  EXPECT_THAT(Outputs(named), ElementsAre("cat.bmp"));
  ASSERT_THAT(MakePlan({.inputs = {"-"}, .output = "-"}), IsOk());
  EXPECT_EQ(MakePlan({.inputs = {"-"}, .output = "-"})->spec.output_format(), v1::IMAGE_FORMAT_PNG);
}

TEST_F(UpscalePlanTest, RefusesTwoInputsForOneOutput) {
  folder_.Write("cat.jpg", "bytes");

  EXPECT_THAT(Refusal({.inputs = {cat_, folder_.Path("cat.jpg")}}),
              AllOf(HasSubstr("cat.png and"), HasSubstr("cat.jpg would both become")));
  EXPECT_THAT(Refusal({.inputs = {cat_, folder_.Path("out/../cat.png")}}), HasSubstr("both"));
}

TEST_F(UpscalePlanTest, ReplacesAnInputByItsOwnOutputOnlyIfToldSo) {
  const CommandLine named{.inputs = {cat_}, .output = folder_.Path("out/../cat.png")};
  EXPECT_THAT(Refusal(named), HasSubstr("cat.png would be replaced by what becomes of it"));
  CommandLine beside{.inputs = {cat_}, .suffix = ""};
  EXPECT_THAT(Refusal(beside), HasSubstr("give another -o or --suffix, or --overwrite-input"));

  beside.overwrite_input = true;

  EXPECT_THAT(Outputs(beside), ElementsAre("cat.png"));
}

TEST_F(UpscalePlanTest, NeverReplacesAnInputByAnothersOutput) {
  const std::string other = folder_.Write("cat-2x.png", "bytes");

  EXPECT_THAT(Refusal({.inputs = {cat_, other}, .overwrite_input = true}),
              HasSubstr("cat-2x.png would be replaced by what becomes of"));
}

TEST_F(UpscalePlanTest, LeavesStandardStreamsToSinglePictures) {
  EXPECT_THAT(Refusal({.inputs = {"-"}}), HasSubstr("no name"));
  EXPECT_THAT(Refusal({.inputs = {"-", cat_}, .output = folder_.Path("out")}),
              HasSubstr("no name"));
  EXPECT_THAT(Refusal({.inputs = {photos_}, .output = "-", .recursive = true}),
              HasSubstr("takes one picture"));
}

TEST_F(UpscalePlanTest, WantsToKnowTheFamilyOfLatents) {
  CommandLine line{.inputs = {folder_.Path("l.npy")}, .output = folder_.Path("l.png")};
  EXPECT_THAT(Refusal(line), HasSubstr("give --latents-family"));

  line.latents_family = v1::LATENTS_FAMILY_STABLE_DIFFUSION_1;

  EXPECT_THAT(Outputs(line), ElementsAre("l.png"));
}

TEST_F(UpscalePlanTest, GoesOnBesideWhatIsMissing) {
  EXPECT_THAT(Outputs({.inputs = {folder_.Path("missing.png"), cat_}}), ElementsAre("cat-2x.png"));
  EXPECT_THAT(plan_->errors, SizeIs(1));
}

TEST_F(UpscalePlanTest, DoesNotBeginWhatCouldNotBeWritten) {
  EXPECT_THAT(Outputs({.inputs = {cat_}, .output = folder_.Path("missing/cat.png")}), IsEmpty());
  EXPECT_THAT(plan_->errors, SizeIs(1));
}

}  // namespace
}  // namespace upscaler
