#include "worker/engine/torch_engines.h"

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/pictures.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "worker/engine/cpu_threads.h"

namespace upscaler {
namespace {

using test::Gradient;
using test::IsOk;
using test::StatusIs;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// Engines with a copy of the demo model, which a test can take away.
class TorchEnginesTest : public ::testing::Test {
 protected:
  TorchEnginesTest() {
    std::filesystem::copy(UPSCALER_SOURCE_DIR "/checkpoints/demo", model(),
                          std::filesystem::copy_options::recursive);
  }

  std::filesystem::path model() const { return folder_.path() / "model"; }
  void RemoveModel() const { std::filesystem::remove_all(model()); }

  // With one thread, since several wait for one another by spinning, which
  // takes for ever where other tests keep the cores busy.
  std::unique_ptr<TorchEngines> Engines(int threads = 1, int cpu_replicas = 1) const {
    return std::make_unique<TorchEngines>(
        TorchEngines::Options{.model = model(), .threads = threads, .cpu_replicas = cpu_replicas},
        clock_);
  }

  static RowSpec Spec() {
    return {.picture = std::make_shared<const Image>(Gradient(32, 24)),
            .prompt = "a cat",
            .negative_prompt = "",
            .guidance_scale = 1,
            .steps = 1,
            .seed = 1};
  }

  const test::TemporaryFolder folder_;
  const test::FakeClock clock_;
};

TEST_F(TorchEnginesTest, MakesEnginesThatWork) {
  const auto engines = Engines();
  const auto engine = engines->Make("cpu");
  ASSERT_THAT(engine, IsOk());
  const RowId row = 1;

  EXPECT_THAT((*engine)->Admit(row, Spec()), IsOk());
  EXPECT_THAT((*engine)->Step({&row, 1}), IsOk());
  EXPECT_EQ(std::get<Image>((*engine)->Finish(row)().value()).width, 64);
}

TEST_F(TorchEnginesTest, HasTakenAPictureTheWholeWay) {
  const auto engines = Engines();
  const auto engine = engines->Make("cpu");
  ASSERT_THAT(engine, IsOk());
  RowSpec empty = Spec();
  empty.prompt = "";

  const auto intake = (*engine)->Admit(/*id=*/1, empty);

  EXPECT_EQ(intake->text_cache_hits, 1);  // The warm-up's prompt.
}

TEST_F(TorchEnginesTest, SharesTheModelAmongTheEnginesOfADevice) {
  const auto engines = Engines();
  const auto first = engines->Make("cpu");
  ASSERT_THAT(first, IsOk());

  RemoveModel();

  EXPECT_THAT(engines->Make("cpu"), IsOk());
}

TEST_F(TorchEnginesTest, LoadsTheModelAgainWhenNoEngineIsLeft) {
  const auto engines = Engines();
  auto first = engines->Make("cpu");
  auto second = engines->Make("cpu");
  ASSERT_THAT(second, IsOk());

  first->reset();
  second->reset();
  EXPECT_THAT(engines->Make("cpu"), IsOk());
  RemoveModel();

  EXPECT_THAT(engines->Make("cpu"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(TorchEnginesTest, LoadsOneModelForThreadsThatAskAtOnce) {
  const auto engines = Engines();
  std::vector<absl::StatusOr<std::unique_ptr<Engine>>> made(4);
  {
    std::vector<std::jthread> threads;
    for (auto& engine : made) threads.emplace_back([&] { engine = engines->Make("cpu"); });
  }
  ASSERT_THAT(made, Each(IsOk()));

  // One model has one cache: it reads a prompt once.
  int misses = 0;
  for (auto& engine : made) misses += (*engine)->Admit(/*id=*/1, Spec())->text_cache_misses;

  EXPECT_EQ(misses, 1);
}

TEST_F(TorchEnginesTest, TriesAgainAfterALoadingThatFailed) {
  const auto engines = Engines();
  const std::filesystem::path away = folder_.path() / "away";
  std::filesystem::rename(model(), away);
  const absl::Status missing = engines->Make("cpu").status();

  std::filesystem::rename(away, model());

  EXPECT_THAT(missing, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(missing.message()), HasSubstr(model().string()));
  EXPECT_THAT(engines->Make("cpu"), IsOk());
}

TEST_F(TorchEnginesTest, RefusesADeviceThatIsNotThere) {
  EXPECT_THAT(Engines()->Make("tpu"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(TorchEnginesTest, GivesAReplicaItsThreadsOnWhateverThreadItRuns) {
  const auto three = Engines(/*threads=*/3)->Make("cpu");
  const auto shared = Engines(/*threads=*/0, /*cpu_replicas=*/1000)->Make("cpu");
  ASSERT_THAT(three, IsOk());
  ASSERT_THAT(shared, IsOk());

  const auto threads_of = [](Engine& engine) {
    int threads = 0;
    std::jthread([&] {
      EXPECT_THAT(engine.Admit(/*id=*/1, Spec()), IsOk());
      threads = at::get_num_threads();
    }).join();
    return threads;
  };

  EXPECT_EQ(threads_of(**three), 3);
  EXPECT_EQ(threads_of(**shared), 1);
  EXPECT_EQ(threads_of(**Engines(/*threads=*/0)->Make("cpu")), CpuCores());
}

TEST_F(TorchEnginesTest, KnowsADevicesMemory) {
  const DeviceMemory memory = Engines()->MemoryOf("cpu");

  EXPECT_GT(memory.free, 0);
  EXPECT_GE(memory.total, memory.free);
  EXPECT_EQ(Engines()->MemoryOf("cuda:100").total, 0);
}

TEST_F(TorchEnginesTest, KnowsTheLibrarysVersion) {
  EXPECT_THAT(TorchEngines::library_version(), MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+.*"));
}

}  // namespace
}  // namespace upscaler
