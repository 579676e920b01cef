// Against a service on the loopback. The watch asks every millisecond, and what it has
// found is seen in its log.

#include "gateway/program/backend_watch.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/channel.h"
#include "tests/support/fake_upscaler_service.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeUpscalerService;
using test::GoodScript;

// Passes each line on as soon as it is complete.
class Lines final : public std::stringbuf {
 public:
  // How often `text` was written.
  std::size_t Count(const std::string& text) {
    const MutexLock lock(mutex_);
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text_.find(text, at)) != std::string::npos; ++at) ++count;
    return count;
  }

  // Blocks until a line with `text` was written.
  void Await(const std::string& text) {
    MutexLock lock(mutex_);
    while (text_.find(text) == std::string::npos) lock.Wait(changed_);
  }

 private:
  int sync() override {
    const MutexLock lock(mutex_);
    text_ += str();
    str("");
    changed_.notify_all();
    return 0;
  }

  Mutex mutex_;
  std::condition_variable changed_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

class BackendWatchTest : public ::testing::Test {
 protected:
  std::unique_ptr<BackendWatch> Watch(const std::string& target) {
    backends_ = Backends::One(MakeChannel(target));
    return std::make_unique<BackendWatch>(*backends_, "", logger_, 1ms);
  }

  std::unique_ptr<BackendWatch> WatchAll(const std::vector<std::string>& targets) {
    std::vector<Backends::Listed> servers;
    for (const std::string& target : targets) {
      servers.push_back({target, MakeChannel(target), MakeChannel(target)});
    }
    backends_ = *Backends::Several(MakeChannel(targets.back()), servers);
    return std::make_unique<BackendWatch>(*backends_, "", logger_, 1ms);
  }

  Lines lines_;
  std::ostream out_{&lines_};
  Logger logger_{LogForm::kText, out_};
  std::unique_ptr<const Backends> backends_;
};

TEST_F(BackendWatchTest, LearnsWhatIsServed) {
  const FakeUpscalerService service(GoodScript({}));

  const auto watch = Watch(service.target());

  lines_.Await("health ready=true");
  lines_.Await("model model=\"the-model\"");
  EXPECT_TRUE(watch->ready());
  EXPECT_EQ(watch->model(), "the-model");
}

TEST_F(BackendWatchTest, KnowsNothingOfAServerThatIsNotThere) {
  const auto watch = Watch("127.0.0.1:1");

  lines_.Await("no backend is ready yet");
  EXPECT_FALSE(watch->ready());
  EXPECT_EQ(watch->model(), "");
}

TEST_F(BackendWatchTest, NoticesThatAServerHasGone) {
  auto service = std::make_unique<FakeUpscalerService>(GoodScript({}));
  const auto watch = Watch(service->target());
  lines_.Await("model model=\"the-model\"");

  service.reset();

  lines_.Await("health ready=false");
  EXPECT_FALSE(watch->ready());
  EXPECT_EQ(watch->model(), "the-model");  // Still the best guess.
}

TEST_F(BackendWatchTest, KeepsToOneNameWhereServersDiffer) {
  FakeUpscalerService first(GoodScript({}));
  FakeUpscalerService second(GoodScript({}));
  first.set_model("old");
  second.set_model("new");

  const auto watch = WatchAll({first.target(), second.target()});
  lines_.Await("serve different models");
  const std::string told = watch->model();
  first.AwaitInfos(20);
  second.AwaitInfos(20);

  EXPECT_EQ(watch->model(), told);
  EXPECT_EQ(lines_.Count("model model="), 1U);
  EXPECT_EQ(lines_.Count("serve different models"), 1U);
}

TEST_F(BackendWatchTest, TakesUpTheOtherNameWhenNobodyServesTheOneAnyMore) {
  auto first = std::make_unique<FakeUpscalerService>(GoodScript({}));
  auto second = std::make_unique<FakeUpscalerService>(GoodScript({}));
  first->set_model("old");
  second->set_model("new");
  const auto watch = WatchAll({first->target(), second->target()});
  lines_.Await("serve different models");
  const std::string told = watch->model();

  (told == "old" ? first : second).reset();

  while (watch->model() == told) continue;
  EXPECT_EQ(watch->model(), told == "old" ? "new" : "old");
}

}  // namespace
}  // namespace upscaler
