// The engine with the demo model: what the seam promises, kept by the real one.

#include "worker/engine/torch_engine.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/Parallel.h>
#include <c10/core/Device.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/pictures.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/models/pipeline/allocation_meter.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::AllocationMeter;
using test::Gradient;
using test::IsOk;
using test::StatusIs;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A batch of another size may take other kernels, so the last bit may differ.
constexpr int kAllowedLevels = 1;

// Every look at it moves it on by a second.
class TickingClock final : public Clock {
 public:
  TimePoint Now() const override {
    clock_.Advance(1s);
    return clock_.Now();
  }

 private:
  mutable test::FakeClock clock_;
};

class TorchEngineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    model_ = TorchModel::Load({.folder = UPSCALER_SOURCE_DIR "/checkpoints/demo",
                               .text_cache_bytes = std::size_t{1} << 20},
                              c10::kCPU)
                 .value();
  }
  static void TearDownTestSuite() { model_.reset(); }

  // With one thread, since several wait for one another by spinning, which
  // takes for ever where other tests keep the cores busy.
  std::unique_ptr<TorchEngine> MakeEngine(int threads = 1) const {
    return std::make_unique<TorchEngine>(model_, TorchEngine::Options{.threads = threads}, clock_);
  }

  static RowSpec Spec(std::uint64_t seed, const std::string& prompt = "a cat", int steps = 3) {
    return {.picture = std::make_shared<const Image>(Gradient(32, 24)),
            .prompt = prompt,
            .negative_prompt = "",
            .guidance_scale = 8,
            .steps = steps,
            .seed = seed};
  }

  static void Step(Engine& engine, const std::vector<RowId>& rows) {
    const auto statuses = engine.Step(rows);
    ASSERT_THAT(statuses, IsOk());
    ASSERT_THAT(*statuses, SizeIs(rows.size()));
    EXPECT_THAT(*statuses, Each(IsOk()));
  }

  static Image Decoded(Engine::Decoding decoding) {
    return std::get<Image>(std::move(decoding)().value());
  }

  static Image RunAlone(Engine& engine, const RowSpec& spec) {
    EXPECT_THAT(engine.Admit(kAlone, spec), IsOk());
    for (int step = 0; step < spec.steps; ++step) Step(engine, {kAlone});
    return Decoded(engine.Finish(kAlone));
  }
  Image RunAlone(const RowSpec& spec) const { return RunAlone(*engine_, spec); }

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
  static inline std::shared_ptr<const TorchModel> model_;
  const TickingClock clock_{};
  const std::unique_ptr<TorchEngine> engine_ = MakeEngine();
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

  Step(*engine_, {2, 1});
  Step(*engine_, {1, 3, 2});
  engine_->Drop(2);
  Step(*engine_, {1, 3});

  EXPECT_LE(WorstLevel(Decoded(engine_->Finish(1)), alone), kAllowedLevels);
}

TEST_F(TorchEngineTest, StepsRowsOfSeveralKeysInTurns) {
  RowSpec plain = Spec(/*seed=*/2, "a dog");
  plain.guidance_scale = 1;
  const Image guided_alone = RunAlone(Spec(/*seed=*/1));
  const Image plain_alone = RunAlone(plain);
  ASSERT_THAT(engine_->Admit(1, Spec(/*seed=*/1)), IsOk());
  ASSERT_THAT(engine_->Admit(2, plain), IsOk());

  for (int step = 0; step < 3; ++step) {
    Step(*engine_, {1});
    Step(*engine_, {2});
  }

  EXPECT_EQ(Decoded(engine_->Finish(1)), guided_alone);
  EXPECT_EQ(Decoded(engine_->Finish(2)), plain_alone);
}

TEST_F(TorchEngineTest, LetsGuidanceDecideWhetherThePromptCounts) {
  const auto picture = [this](const std::string& prompt, double guidance) {
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

  const auto cut = engine_->Admit(1, Spec(/*seed=*/1, prompt));
  const auto whole = engine_->Admit(2, Spec(/*seed=*/1, "cat"));

  ASSERT_THAT(cut, IsOk());
  EXPECT_THAT(cut->warnings, ElementsAre(HasSubstr("75 tokens")));
  EXPECT_THAT(whole->warnings, IsEmpty());
}

TEST_F(TorchEngineTest, SharesThePromptsItHasReadWithOtherEnginesOfTheModel) {
  const auto other = MakeEngine();
  ASSERT_THAT(other->Admit(1, Spec(/*seed=*/1, "a fjord", /*steps=*/1)), IsOk());

  const auto known = engine_->Admit(1, Spec(/*seed=*/2, "a fjord"));
  const auto unknown = engine_->Admit(2, Spec(/*seed=*/2, "a glacier"));

  EXPECT_EQ(known->text_cache_hits, 2);  // The prompt and the empty negative one.
  EXPECT_EQ(known->text_cache_misses, 0);
  EXPECT_EQ(unknown->text_cache_hits, 1);
  EXPECT_EQ(unknown->text_cache_misses, 1);
}

TEST_F(TorchEngineTest, WantsOneThreadOnACpu) { EXPECT_TRUE(engine_->wants_one_thread()); }

// What the owner of the thread counts on: see Engine::wants_one_thread.
TEST_F(TorchEngineTest, HasThreadsThatEndWithTheOneThatComputes) {
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  std::ptrdiff_t at_work = 0;

  std::jthread([&] {
    RunAlone(*MakeEngine(/*threads=*/2), Spec(/*seed=*/1));
    at_work = threads();
  }).join();

  // This one, and the one that computed with it, which nobody joins.
  while (threads() > at_work - 2) std::this_thread::yield();
}

TEST_F(TorchEngineTest, TimesTheTextAndThePicture) {
  const auto intake = engine_->Admit(1, Spec(/*seed=*/1));

  EXPECT_EQ(intake->text, 1s);
  EXPECT_EQ(intake->vae_encode, 1s);
}

TEST_F(TorchEngineTest, KeepsNothingOfARowThatItCouldNotAdmit) {
  RowSpec tiny = Spec(/*seed=*/1);
  tiny.picture = std::make_shared<const Image>(Gradient(1, 1));
  const Image alone = RunAlone(Spec(/*seed=*/1));

  EXPECT_THAT(engine_->Admit(kAlone, tiny), StatusIs(absl::StatusCode::kInternal));

  EXPECT_EQ(RunAlone(Spec(/*seed=*/1)), alone);
}

TEST_F(TorchEngineTest, MovesNoRowInAPassThatFails) {
  const Image alone = RunAlone(Spec(/*seed=*/1));
  RowSpec larger = Spec(/*seed=*/2);
  larger.picture = std::make_shared<const Image>(Gradient(48, 32));
  const Image larger_alone = RunAlone(larger);
  ASSERT_THAT(engine_->Admit(1, Spec(/*seed=*/1)), IsOk());
  ASSERT_THAT(engine_->Admit(2, larger), IsOk());

  // Sizes that do not go together fail as want of memory would: somewhere inside.
  EXPECT_THAT(engine_->Step(std::vector<RowId>{1, 2}), StatusIs(absl::StatusCode::kInternal));

  for (int step = 0; step < 3; ++step) {
    Step(*engine_, {1});
    Step(*engine_, {2});
  }
  EXPECT_EQ(Decoded(engine_->Finish(1)), alone);
  EXPECT_EQ(Decoded(engine_->Finish(2)), larger_alone);
}

TEST_F(TorchEngineTest, FailsTheRowWhoseLatentsAreNotFiniteAndNoOther) {
  const Image alone = RunAlone(Spec(/*seed=*/1, "a cat", /*steps=*/1));
  RowSpec lost = Spec(/*seed=*/2, "a dog", /*steps=*/1);
  lost.guidance_scale = std::numeric_limits<double>::infinity();
  ASSERT_THAT(engine_->Admit(1, Spec(/*seed=*/1, "a cat", /*steps=*/1)), IsOk());
  ASSERT_THAT(engine_->Admit(2, lost), IsOk());

  const auto statuses = engine_->Step(std::vector<RowId>{1, 2});

  ASSERT_THAT(statuses, IsOk());
  EXPECT_THAT(*statuses, ElementsAre(IsOk(), StatusIs(absl::StatusCode::kInternal)));
  EXPECT_EQ(statuses->back().message(), "the latents are not finite after step 1");
  EXPECT_LE(WorstLevel(Decoded(engine_->Finish(1)), alone), kAllowedLevels);
  EXPECT_THAT(engine_->Finish(2)(), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(TorchEngineTest, DecodesOnAnotherThreadWhileItWorksOn) {
  const Image first = RunAlone(Spec(/*seed=*/1));
  const Image second = RunAlone(Spec(/*seed=*/2, "a dog", /*steps=*/9));
  ASSERT_THAT(engine_->Admit(1, Spec(/*seed=*/1)), IsOk());
  ASSERT_THAT(engine_->Admit(2, Spec(/*seed=*/2, "a dog", /*steps=*/9)), IsOk());
  for (int step = 0; step < 3; ++step) Step(*engine_, {1});
  Image decoded;

  std::jthread decoder(
      [&, decoding = engine_->Finish(1)]() mutable { decoded = Decoded(std::move(decoding)); });
  for (int step = 0; step < 9; ++step) Step(*engine_, {2});
  decoder.join();

  EXPECT_EQ(decoded, first);
  EXPECT_EQ(Decoded(engine_->Finish(2)), second);
}

TEST_F(TorchEngineTest, DecodesWhenTheEngineIsGone) {
  const Image alone = RunAlone(Spec(/*seed=*/1));
  auto engine = MakeEngine();
  ASSERT_THAT(engine->Admit(1, Spec(/*seed=*/1)), IsOk());
  for (int step = 0; step < 3; ++step) Step(*engine, {1});

  Engine::Decoding decoding = engine->Finish(1);
  engine.reset();

  EXPECT_EQ(Decoded(std::move(decoding)), alone);
}

TEST_F(TorchEngineTest, ComputesWithItsOwnThreadsWhateverOthersSet) {
  const auto engine = MakeEngine(/*threads=*/3);
  const auto other = MakeEngine(/*threads=*/2);
  // The number of threads that a new thread computes with once `work` is done there.
  const auto threads_after = [&](const auto& work) {
    int threads = 0;
    std::jthread([&] { RunAlone(*other, Spec(/*seed=*/2)); }).join();
    std::jthread([&] {
      work();
      threads = at::get_num_threads();
    }).join();
    return threads;
  };

  EXPECT_EQ(threads_after([&] {
              EXPECT_THAT(engine->Admit(1, Spec(/*seed=*/1, "a cat", /*steps=*/1)), IsOk());
            }),
            3);
  EXPECT_EQ(threads_after([&] { Step(*engine, {1}); }), 3);
  EXPECT_EQ(threads_after([&] { EXPECT_THAT(engine->Finish(1)(), IsOk()); }), 3);
}

TEST_F(TorchEngineTest, KeepsNothingOfRowsThatHaveLeft) {
  RunAlone(Spec(/*seed=*/1, "a cat"));  // The cache keeps the prompts.
  RunAlone(Spec(/*seed=*/1, "a dog"));
  const auto meter = std::make_shared<AllocationMeter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);

  ASSERT_THAT(engine_->Admit(1, Spec(/*seed=*/1, "a cat")), IsOk());
  ASSERT_THAT(engine_->Admit(2, Spec(/*seed=*/2, "a dog", /*steps=*/1)), IsOk());
  Step(*engine_, {1, 2});
  EXPECT_THAT(engine_->Finish(2)(), IsOk());
  Step(*engine_, {1});
  engine_->Drop(1);

  EXPECT_THAT(meter->most(), Gt(0));
  EXPECT_EQ(meter->now(), 0);
}

TEST_F(TorchEngineTest, EstimatesMemoryByTheKey) {
  const std::int64_t small = engine_->RowBytes({.width = 64, .height = 64, .guided = false});

  EXPECT_THAT(small, Gt(0));
  EXPECT_THAT(engine_->RowBytes({.width = 128, .height = 128, .guided = false}), Ge(3 * small));
  EXPECT_THAT(engine_->RowBytes({.width = 64, .height = 64, .guided = true}), Gt(small));
  EXPECT_THAT(engine_->FreeBytes(), Gt(small));
}

TEST_F(TorchEngineTest, ForgetsWhatItNeverKnewWithoutComplaint) { engine_->Drop(12345); }

TEST_F(TorchEngineTest, TakesItsOwnLatentsInsteadOfAPicture) {
  // Twice the small picture's latents are those of a picture of twice the size.
  RowSpec encoding = Spec(/*seed=*/1);
  encoding.latents_wanted = true;
  ASSERT_THAT(engine_->Admit(1, encoding), IsOk());
  for (int step = 0; step < 3; ++step) Step(*engine_, {1});
  const auto latents = std::get<Latents>(engine_->Finish(1)().value());
  EXPECT_EQ(latents.channels, engine_->latents().channels);
  EXPECT_EQ(latents.picture_width(), 64);
  EXPECT_EQ(latents.picture_height(), 48);
  RowSpec again = Spec(/*seed=*/2);
  again.picture = nullptr;
  again.latents = std::make_shared<const Latents>(latents);

  const Image image = RunAlone(again);

  EXPECT_EQ(image.width, 128);
  EXPECT_EQ(image.height, 96);
  EXPECT_EQ(RunAlone(again), image);
}

TEST_F(TorchEngineTest, ShowsAPreviewThatIsLikeThePicture) {
  RowSpec spec = Spec(/*seed=*/1, "", /*steps=*/4);
  spec.preview_count = 1;
  const Image finished = RunAlone(spec);
  ASSERT_THAT(engine_->Admit(1, spec), IsOk());
  for (int step = 0; step < 3; ++step) Step(*engine_, {1});

  const absl::StatusOr<Image> preview = engine_->Preview(1);

  ASSERT_THAT(preview, IsOk());
  const int reduction = engine_->latents().reduction;
  ASSERT_EQ(preview->width, finished.width / reduction);
  ASSERT_EQ(preview->height, finished.height / reduction);
  // On the whole the colours are right; in detail they are not.
  double distance = 0;
  for (int y = 0; y < preview->height; ++y) {
    for (int x = 0; x < preview->width; ++x) {
      const auto small = static_cast<std::size_t>(y * preview->width + x) * Image::kChannels;
      const auto large = static_cast<std::size_t>(y * reduction * finished.width + x * reduction) *
                         Image::kChannels;
      for (std::size_t c = 0; c < Image::kChannels; ++c) {
        distance += std::abs(int{preview->pixels[small + c]} - int{finished.pixels[large + c]});
      }
    }
  }
  constexpr double kAllowedDistance = 20;  // Of 255, on average. Of two pictures of noise: 85.
  EXPECT_LT(distance / static_cast<double>(preview->pixels.size()), kAllowedDistance);
}

}  // namespace
}  // namespace upscaler
