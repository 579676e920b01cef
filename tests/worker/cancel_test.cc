// Callers that go away at every stage of their requests, by the thousand, beside others that
// stay: these must not notice, and nothing may be left of those.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/collecting_listener.h"
#include "tests/support/counting_observer.h"
#include "tests/support/delay_engine.h"
#include "tests/support/delay_engines.h"
#include "tests/support/pictures.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "worker/scheduler/replica.h"
#include "worker/upscaler.h"

// Sanitizers are ten times as slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kCancels = 1'000;
#else
constexpr std::size_t kCancels = 10'000;
#endif

namespace upscaler {
namespace {

using test::CollectingListener;
using test::CountingObserver;
using test::DelayEngine;
using test::DelayEngines;
using test::EngineScript;
using test::StatusIs;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kSteps = 4;

// When a caller goes away.
enum class Moment { kNever, kAtOnce, kQueued, kTakenIn, kStepped, kFinished, kSomeTime };
constexpr std::array kMoments = {Moment::kNever,   Moment::kAtOnce,  Moment::kQueued,
                                 Moment::kTakenIn, Moment::kStepped, Moment::kFinished,
                                 Moment::kSomeTime};

// Cancels its request when the moment has come, on whichever thread that is. Thread-safe.
class LeavingListener final : public JobListener {
 public:
  LeavingListener(Upscaler& upscaler, Moment moment) : upscaler_(upscaler), moment_(moment) {}

  // The request was admitted: it may be over already.
  void Attach(std::shared_ptr<CancelToken> token) {
    {
      MutexLock lock(mutex_);
      token_ = std::move(token);
      if (!left_) return;
    }
    upscaler_.Cancel(*token_);
  }

  void LeaveAt(Moment moment) {
    if (moment != moment_) return;
    {
      MutexLock lock(mutex_);
      left_ = true;
      if (token_ == nullptr) return;
    }
    upscaler_.Cancel(*token_);
  }

  void OnAccepted(const AcceptedPicture& picture) override { heard_.OnAccepted(picture); }
  void OnPreview(JobPreview preview) override { heard_.OnPreview(std::move(preview)); }
  void OnQueued(const QueuePlace& place) override {
    heard_.OnQueued(place);
    LeaveAt(Moment::kQueued);
  }
  void OnProgress(const JobProgress& progress) override {
    if (progress.steps_done == 0) LeaveAt(Moment::kTakenIn);
    if (progress.steps_done == 2) LeaveAt(Moment::kStepped);
    if (progress.steps_done == kSteps) LeaveAt(Moment::kFinished);
  }
  void OnDone(absl::StatusOr<UpscaleOutcome> outcome) override {
    heard_.OnDone(std::move(outcome));
  }

  absl::StatusOr<UpscaleOutcome> AwaitOutcome() { return heard_.AwaitOutcome(); }
  std::size_t ends() const { return heard_.ends(); }
  Moment moment() const { return moment_; }

 private:
  Upscaler& upscaler_;
  const Moment moment_;
  CollectingListener heard_;

  Mutex mutex_;
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
  // Set once, and read without the lock where that is known.
  std::shared_ptr<CancelToken> token_;
};

class CancelTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kPictures = 8;

  CancelTest() {
    test::StartedVips();
    for (std::size_t i = 0; i < kPictures; ++i) {
      pictures_.push_back(test::GradientPng(static_cast<int>(9 + i), 16));
    }
    for (int i = 0; i < 2; ++i) {
      replicas_.push_back(std::make_unique<Replica>(parts_, Replica::Options{}, engines_,
                                                    std::make_unique<DelayEngine>(script_), [] {}));
    }
  }

  ~CancelTest() override { queue_.Close(); }

  // Starts a request for a picture, as soon as there is room.
  std::shared_ptr<LeavingListener> Start(std::size_t picture, Moment moment) {
    auto listener = std::make_shared<LeavingListener>(upscaler_, moment);
    while (true) {
      const auto job = upscaler_.Start({.input = pictures_[picture],
                                        .prompt = "a cat",
                                        .negative_prompt = "",
                                        .steps = kSteps,
                                        .seed = ++seed_,
                                        .embed_parameters = false},
                                       listener);
      if (job.ok()) {
        listener->Attach(*job);
        return listener;
      }
      EXPECT_THAT(job, StatusIs(absl::StatusCode::kResourceExhausted));
      std::this_thread::yield();
    }
  }

  struct Request {
    std::size_t picture = 0;
    std::shared_ptr<LeavingListener> listener;
  };

  // Requests of which so many are to be cancelled, and waits until all of them have ended.
  std::vector<Request> RunThrough(std::size_t cancels) {
    std::vector<Request> requests;
    std::mt19937_64 random(1);
    while (cancels > 0) {
      const Moment moment = kMoments[random() % kMoments.size()];
      const std::size_t picture = random() % kPictures;
      requests.push_back({.picture = picture, .listener = Start(picture, moment)});
      if (moment != Moment::kNever) --cancels;
      requests.back().listener->LeaveAt(Moment::kAtOnce);
      // Somebody who came not long ago, whatever their request is at.
      const std::size_t back = random() % std::min<std::size_t>(requests.size(), 32);
      requests[requests.size() - 1 - back].listener->LeaveAt(Moment::kSomeTime);
    }
    upscaler_.AwaitIdle(TimePoint::max());
    return requests;
  }

  void ExpectNothingLeft() {
    EXPECT_EQ(admission_.rows(), 0U);
    EXPECT_EQ(admission_.bytes(), 0);
    EXPECT_EQ(queue_.depth(), 0U);
    EXPECT_EQ(queue_.work_ahead(), TimePoint::duration::zero());
    EXPECT_EQ(script_.rows_inside(), 0U);
    EXPECT_THAT(script_.breaches(), IsEmpty());
    EXPECT_EQ(upscaler_.tally().counts().in_flight(), 0U);
  }

  SteadyClock clock_;
  CountingObserver observer_;
  EngineScript script_;
  DelayEngines engines_{script_};
  Admission admission_{{.rows = 32, .bytes = 1 << 30}};
  RowQueue queue_{clock_};
  CostModel costs_{/*max_batch=*/4};
  const SchedulerParts parts_{
      .queue = queue_, .costs = costs_, .clock = clock_, .observer = observer_};
  ThreadPool pool_{/*threads=*/2};
  std::vector<std::unique_ptr<Replica>> replicas_;
  Upscaler upscaler_{
      {.rules = {.sides = {.multiple = 8, .minimum = 16}}}, admission_, parts_, {pool_, pool_}};
  std::vector<std::string> pictures_;
  std::uint64_t seed_ = 0;
};

TEST_F(CancelTest, CallersThatLeaveAtEveryStageHarmNobodyAndLeaveNothingBehind) {
  std::vector<std::string> alone;
  for (std::size_t i = 0; i < kPictures; ++i) {
    alone.push_back(Start(i, Moment::kNever)->AwaitOutcome()->pictures.front().encoded);
  }

  const std::vector<Request> requests = RunThrough(kCancels);

  std::map<Moment, std::size_t> cancelled;
  for (const Request& request : requests) {
    const Moment moment = request.listener->moment();
    ASSERT_EQ(request.listener->ends(), 1U);
    const absl::StatusOr<UpscaleOutcome> outcome = request.listener->AwaitOutcome();
    if (outcome.ok()) {
      ASSERT_EQ(outcome->pictures.front().encoded, alone[request.picture]);
    } else {
      ASSERT_THAT(outcome, StatusIs(absl::StatusCode::kCancelled));
      ASSERT_NE(moment, Moment::kNever);
      ++cancelled[moment];
    }
  }
  EXPECT_THAT(cancelled, SizeIs(kMoments.size() - 1));  // Some at every moment.
  ExpectNothingLeft();
}

TEST_F(CancelTest, EveryCallerThatLeavesIsCountedOnce) {
  RunThrough(kCancels / 10);

  std::size_t counted = 0;
  for (const auto& [stage, count] : observer_.heard().cancelled) {
    counted += static_cast<std::size_t>(count);
  }
  EXPECT_EQ(counted, upscaler_.tally().counts().cancelled);
}

}  // namespace
}  // namespace upscaler
