#include "server/access/key_file_watch.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::IsOk;
using test::StatusIs;

class KeyFileWatchTest : public ::testing::Test {
 protected:
  KeyFileWatch::Tell Tell() {
    return [this](absl::StatusOr<ApiKeys> keys) {
      const MutexLock lock(mutex_);
      told_ = std::move(keys);
      changed_.notify_all();
    };
  }

  // What is told next.
  absl::StatusOr<ApiKeys> AwaitTold() {
    MutexLock lock(mutex_);
    while (!told_.has_value()) lock.Wait(changed_);
    return *std::exchange(told_, std::nullopt);
  }

  test::TemporaryFolder folder_;
  Mutex mutex_;
  std::condition_variable changed_;
  std::optional<absl::StatusOr<ApiKeys>> told_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(KeyFileWatchTest, TellsWhatAChangedFileHolds) {
  folder_.Write("keys", "one abcdefgh01234567\n");
  const KeyFileWatch watch(KeyFile(folder_.Path("keys")), Tell(), 1ms);
  ASSERT_THAT(AwaitTold(), IsOk());

  // At once, as editors do: nobody sees the half of it.
  folder_.Write("new", "two abcdefgh01234567\n");
  std::filesystem::rename(folder_.Path("new"), folder_.Path("keys"));
  const absl::StatusOr<ApiKeys> keys = AwaitTold();

  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->all().front().name, "two");
}

TEST_F(KeyFileWatchTest, TellsOfAFileThatIsGoneAndGoesOnLooking) {
  folder_.Write("keys", "one abcdefgh01234567\n");
  const KeyFileWatch watch(KeyFile(folder_.Path("keys")), Tell(), 1ms);
  ASSERT_THAT(AwaitTold(), IsOk());

  std::filesystem::remove(folder_.Path("keys"));
  EXPECT_THAT(AwaitTold(), StatusIs(absl::StatusCode::kFailedPrecondition));
  folder_.Write("new", "one abcdefgh01234567\n");
  std::filesystem::rename(folder_.Path("new"), folder_.Path("keys"));
  EXPECT_THAT(AwaitTold(), IsOk());
}

TEST_F(KeyFileWatchTest, EndsAtOnceThoughItsNextLookIsFarAway) {
  folder_.Write("keys", "one abcdefgh01234567\n");

  const KeyFileWatch watch(KeyFile(folder_.Path("keys")), Tell(), std::chrono::hours(24));
}

}  // namespace
}  // namespace upscaler
