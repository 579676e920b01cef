// Against a service on the loopback. The watch asks every millisecond, and what it has
// found is seen in its log.

#include "gateway/program/backend_watch.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <sstream>
#include <string>

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
    return std::make_unique<BackendWatch>(MakeChannel(target), "", logger_, 1ms);
  }

  Lines lines_;
  std::ostream out_{&lines_};
  Logger logger_{LogForm::kText, out_};
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

}  // namespace
}  // namespace upscaler
