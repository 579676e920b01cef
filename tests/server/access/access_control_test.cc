#include "server/access/access_control.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::IsOk;
using test::StatusIs;

constexpr const char* kOne = "one-one-one-one-one";
constexpr const char* kTwo = "two-two-two-two-two";

class AccessControlTest : public ::testing::Test {
 protected:
  // With the keys in `text`, looking at the file as often as it can.
  std::unique_ptr<AccessControl> Open(const std::string& text, const Quota& default_quota = {}) {
    folder_.Write("keys", text);
    auto access = AccessControl::Open(
        {.keys_file = folder_.Path("keys"),
         .default_quota = default_quota,
         .watch_interval = 1ms,
         .on_reload = [this](const absl::StatusOr<std::size_t>& outcome) { Note(outcome); }},
        clock_);
    return *std::move(access);
  }

  // Replaces the file in one go and waits until that was noticed.
  absl::StatusOr<std::size_t> Replace(const std::string& text) {
    folder_.Write("new", text);
    std::filesystem::rename(folder_.Path("new"), folder_.Path("keys"));
    MutexLock lock(mutex_);
    while (!reloaded_.has_value()) lock.Wait(changed_);
    return *std::exchange(reloaded_, std::nullopt);
  }

  test::TemporaryFolder folder_;
  test::FakeClock clock_;

 private:
  void Note(const absl::StatusOr<std::size_t>& outcome) {
    const MutexLock lock(mutex_);
    reloaded_ = outcome;
    changed_.notify_all();
  }

  Mutex mutex_;
  std::condition_variable changed_;
  std::optional<absl::StatusOr<std::size_t>> reloaded_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(AccessControlTest, LetsEverybodyInWithoutAKeysFile) {
  const auto access = AccessControl::Open({.default_quota = {1, 1}}, clock_);
  ASSERT_THAT(access, IsOk());

  const auto first = (*access)->Enter(std::nullopt);
  const auto second = (*access)->Enter("whatever");

  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->caller(), "");
  EXPECT_EQ((*access)->Identify(std::nullopt).value(), "");
}

TEST_F(AccessControlTest, DoesNotOpenWithAFileThatIsWrong) {
  folder_.Write("keys", "");

  EXPECT_THAT(AccessControl::Open({.keys_file = folder_.Path("keys")}, clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(AccessControl::Open({.keys_file = folder_.Path("none")}, clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(AccessControlTest, KnowsCallersByTheirKeys) {
  const auto access = Open("one one-one-one-one-one\ntwo two-two-two-two-two\n");

  EXPECT_EQ(access->Enter(kTwo).value().caller(), "two");
  EXPECT_EQ(access->Identify(kOne).value(), "one");
}

TEST_F(AccessControlTest, RefusesCallersWithoutAKeyOrWithAnUnknownOne) {
  const auto access = Open("one one-one-one-one-one\n");

  for (const std::optional<std::string_view> key :
       {std::optional<std::string_view>(), std::optional<std::string_view>("")}) {
    const absl::Status refusal = access->Enter(key).status();
    EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kUnauthenticated));
    EXPECT_EQ(ReasonOf(refusal), "API_KEY_MISSING");
    EXPECT_EQ(ReasonOf(access->Identify(key).status()), "API_KEY_MISSING");
  }
  const absl::Status refusal = access->Enter(kTwo).status();
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(ReasonOf(refusal), "API_KEY_UNKNOWN");
  EXPECT_EQ(ReasonOf(access->Identify(kTwo).status()), "API_KEY_UNKNOWN");
}

TEST_F(AccessControlTest, HoldsAPlaceAsLongAsThePassLives) {
  const auto access = Open("one one-one-one-one-one concurrent=1\n");
  {
    const auto pass = access->Enter(kOne);
    ASSERT_THAT(pass, IsOk());
    EXPECT_EQ(ReasonOf(access->Enter(kOne).status()), "TOO_MANY_CALLS");
  }

  EXPECT_THAT(access->Enter(kOne), IsOk());
}

TEST_F(AccessControlTest, HoldsAPlaceWhereverThePassIsMoved) {
  const auto access = Open("one one-one-one-one-one concurrent=1\n");
  AccessPass kept;
  {
    AccessPass first = access->Enter(kOne).value();
    AccessPass second = std::move(first);
    kept = std::move(second);
  }
  EXPECT_EQ(kept.caller(), "one");
  EXPECT_EQ(ReasonOf(access->Enter(kOne).status()), "TOO_MANY_CALLS");

  kept = AccessPass();

  EXPECT_THAT(access->Enter(kOne), IsOk());
}

TEST_F(AccessControlTest, AppliesTheDefaultQuotaToKeysWithoutTheirOwn) {
  const auto access =
      Open("one one-one-one-one-one\ntwo two-two-two-two-two requests_per_minute=20\n",
           {.requests_per_minute = 1});

  EXPECT_THAT(access->Enter(kOne), IsOk());
  EXPECT_EQ(ReasonOf(access->Enter(kOne).status()), "RATE_LIMITED");
  EXPECT_THAT(access->Enter(kTwo), IsOk());
  EXPECT_THAT(access->Enter(kTwo), IsOk());
}

TEST_F(AccessControlTest, CountsNoCallsThatOnlyAskWhoCalls) {
  const auto access = Open("one one-one-one-one-one requests_per_minute=1 concurrent=1\n");

  for (int i = 0; i < 10; ++i) EXPECT_THAT(access->Identify(kOne), IsOk());

  EXPECT_THAT(access->Enter(kOne), IsOk());
  EXPECT_THAT(access->Identify(kOne), IsOk());
}

TEST_F(AccessControlTest, TakesUpAChangedFileAndKeepsWhatWasUsed) {
  const auto access =
      Open("one one-one-one-one-one\nother other-other-other\n", {.requests_per_minute = 1});
  ASSERT_THAT(access->Enter(kOne), IsOk());

  EXPECT_EQ(Replace("one one-one-one-one-one\ntwo two-two-two-two-two\n").value(), 2U);

  EXPECT_EQ(access->Identify(kTwo).value(), "two");
  EXPECT_EQ(ReasonOf(access->Identify("other-other-other").status()), "API_KEY_UNKNOWN");
  EXPECT_EQ(ReasonOf(access->Enter(kOne).status()), "RATE_LIMITED");
}

TEST_F(AccessControlTest, KeepsTheOldKeysWhenTheNewFileIsWrong) {
  const auto access = Open("one one-one-one-one-one\n");

  EXPECT_THAT(Replace(""), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(access->Identify(kOne).value(), "one");

  EXPECT_THAT(Replace("two two-two-two-two-two\n"), IsOk());
  EXPECT_EQ(ReasonOf(access->Identify(kOne).status()), "API_KEY_UNKNOWN");
}

TEST_F(AccessControlTest, EndsPassesOfAKeyThatWasTakenAway) {
  const auto access = Open("one one-one-one-one-one concurrent=1\n");
  {
    const AccessPass pass = access->Enter(kOne).value();
    ASSERT_THAT(Replace("two two-two-two-two-two\n"), IsOk());
    EXPECT_EQ(pass.caller(), "one");
  }
  ASSERT_THAT(Replace("one one-one-one-one-one concurrent=1\n"), IsOk());

  EXPECT_THAT(access->Enter(kOne), IsOk());
}

TEST_F(AccessControlTest, LetsCallersInWhileTheKeysAreReplaced) {
  const auto access = Open("one one-one-one-one-one\n");
  const std::jthread caller([&](const std::stop_token& end) {
    while (!end.stop_requested()) EXPECT_THAT(access->Enter(kOne), IsOk());
  });

  for (int i = 0; i < 20; ++i) {
    const std::string more = i % 2 == 0 ? "two two-two-two-two-two\n" : "";
    EXPECT_THAT(Replace("one one-one-one-one-one\n" + more), IsOk());
  }
}

}  // namespace
}  // namespace upscaler
