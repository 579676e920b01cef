// The engine with the demo model: what the seam promises, kept by the real one.

#include "worker/engine/torch_engine.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pictures.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::Gradient;
using test::IsOk;
using test::StatusIs;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A batch of another size may take other kernels, so the last bit may differ.
constexpr int kAllowedLevels = 1;

class TorchEngineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    engine_ = TorchEngine::Load({.model = UPSCALER_SOURCE_DIR "/checkpoints/demo"}).value();
  }
  static void TearDownTestSuite() { engine_.reset(); }

  static RowSpec Spec(std::uint64_t seed, const std::string& prompt = "a cat", int steps = 3) {
    return {.picture = std::make_shared<const Image>(Gradient(32, 24)),
            .prompt = prompt,
            .negative_prompt = "",
            .guidance_scale = 8,
            .steps = steps,
            .seed = seed};
  }

  static void Step(const std::vector<RowId>& rows) {
    EXPECT_THAT(engine_->Step(rows), Each(IsOk()));
  }

  static Image Finish(RowId id) {
    Image image = engine_->Finish(id).value();
    engine_->Drop(id);
    return image;
  }

  static Image RunAlone(const RowSpec& spec) {
    EXPECT_THAT(engine_->Admit(kAlone, spec), IsOk());
    for (int step = 0; step < spec.steps; ++step) Step({kAlone});
    return Finish(kAlone);
  }

  // The largest difference of two pictures of one size, in levels of 255.
  static int WorstLevel(const Image& a, const Image& b) {
    EXPECT_EQ(a.pixels.size(), b.pixels.size());
    int worst = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i) {
      worst = std::max(worst, std::abs(int{a.pixels[i]} - int{b.pixels[i]}));
    }
    return worst;
  }

  static constexpr RowId kAlone = 100;
  static inline std::unique_ptr<TorchEngine> engine_;
};

TEST_F(TorchEngineTest, DoublesAPictureTheSameWayEveryTime) {
  const Image first = RunAlone(Spec(/*seed=*/1));

  EXPECT_EQ(first.width, 64);
  EXPECT_EQ(first.height, 48);
  EXPECT_EQ(RunAlone(Spec(/*seed=*/1)), first);
  EXPECT_GT(WorstLevel(RunAlone(Spec(/*seed=*/2)), first), 0);
}

TEST_F(TorchEngineTest, GivesARowTheSamePictureBesideOthersThatJoinAndLeave) {
  const Image alone = RunAlone(Spec(/*seed=*/1));
  ASSERT_THAT(engine_->Admit(1, Spec(/*seed=*/1)), IsOk());
  ASSERT_THAT(engine_->Admit(2, Spec(/*seed=*/2, "a dog", /*steps=*/2)), IsOk());
  ASSERT_THAT(engine_->Admit(3, Spec(/*seed=*/3, "a cat", /*steps=*/9)), IsOk());

  Step({2, 1});
  Step({1, 3, 2});
  engine_->Drop(2);
  Step({1, 3});

  EXPECT_LE(WorstLevel(Finish(1), alone), kAllowedLevels);
  engine_->Drop(3);
}

TEST_F(TorchEngineTest, LetsGuidanceDecideWhetherThePromptCounts) {
  const auto picture = [](const std::string& prompt, double guidance) {
    RowSpec spec = Spec(/*seed=*/1, prompt);
    spec.guidance_scale = guidance;
    return RunAlone(spec);
  };

  EXPECT_EQ(picture("black and white", 0), picture("vivid colors", 0));
  EXPECT_GT(WorstLevel(picture("black and white", 8), picture("vivid colors", 8)), kAllowedLevels);
}

TEST_F(TorchEngineTest, WarnsOfAPromptThatIsCut) {
  std::string prompt;
  for (int i = 0; i < 100; ++i) prompt += "cat ";

  const auto warnings = engine_->Admit(kAlone, Spec(/*seed=*/1, prompt));
  engine_->Drop(kAlone);

  ASSERT_THAT(warnings, IsOk());
  ASSERT_THAT(*warnings, SizeIs(1));
  EXPECT_THAT(warnings->front(), HasSubstr("75 tokens"));
}

TEST_F(TorchEngineTest, FailsTheRowWhosePictureTheModelCannotTakeAndNoOther) {
  RowSpec odd = Spec(/*seed=*/1);
  odd.picture = std::make_shared<const Image>(Gradient(9, 9));
  ASSERT_THAT(engine_->Admit(1, Spec(/*seed=*/1)), IsOk());

  const bool admitted = engine_->Admit(2, odd).ok();
  const std::vector<absl::Status> statuses =
      admitted ? engine_->Step(std::vector<RowId>{1, 2}) : engine_->Step(std::vector<RowId>{1});

  EXPECT_THAT(statuses.front(), IsOk());
  if (admitted) {
    EXPECT_THAT(statuses.back(), StatusIs(absl::StatusCode::kInternal));
  }
  engine_->Drop(1);
  engine_->Drop(2);
}

TEST_F(TorchEngineTest, ForgetsWhatItNeverKnewWithoutComplaint) { engine_->Drop(12345); }

TEST(TorchEngineLoadTest, SaysWhatIsWrongWithAFolder) {
  const absl::Status status = TorchEngine::Load({.model = "/no/such/folder"}).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such/folder"));
}

}  // namespace
}  // namespace upscaler
