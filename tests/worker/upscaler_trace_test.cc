// What is told to those who follow a request.

#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mutex.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/upscaler_fixture.h"
#include "worker/queue/work_trace.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::CollectingListener;
using test::IsOk;
using test::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

// Keeps what it is told. Thread-safe.
class KeptTrace final : public WorkTrace {
 public:
  // Named steps are called this and a number.
  explicit KeptTrace(std::string name) : name_(std::move(name)) {}

  void OnPart(int image, WorkPart part, TimePoint start, TimePoint end) override {
    MutexLock lock(mutex_);
    parts_.emplace_back(image, part);
    EXPECT_LE(start, end);
  }
  std::string NameStep(const SharedStep& step) override {
    MutexLock lock(mutex_);
    batch_sizes_.push_back(step.rows);
    return name_ + std::to_string(batch_sizes_.size());
  }
  void OnStep(int /*image*/, const std::string& step) override {
    MutexLock lock(mutex_);
    steps_.push_back(step);
  }

  using Parts = std::vector<std::pair<int, WorkPart>>;
  Parts parts() const {
    MutexLock lock(mutex_);
    return parts_;
  }
  std::vector<std::string> steps() const {
    MutexLock lock(mutex_);
    return steps_;
  }
  std::vector<std::size_t> batch_sizes() const {
    MutexLock lock(mutex_);
    return batch_sizes_;
  }

 private:
  const std::string name_;

  mutable Mutex mutex_;
  Parts parts_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> steps_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::size_t> batch_sizes_ ABSL_GUARDED_BY(mutex_);
};

class UpscalerTraceTest : public test::UpscalerFixture {
 protected:
  const std::shared_ptr<KeptTrace> trace_ = std::make_shared<KeptTrace>("a");
};

TEST_F(UpscalerTraceTest, TellsEachPartOfEachPicture) {
  StartReplica();
  UpscaleTask task = Task(16, 16);
  task.image_count = 2;
  task.steps = 2;
  task.trace = trace_;

  ASSERT_THAT(Run(std::move(task)), IsOk());

  KeptTrace::Parts expected = {{0, WorkPart::kDecodePicture}};
  for (const int image : {0, 1}) {
    for (const WorkPart part : {WorkPart::kQueue, WorkPart::kText, WorkPart::kVaeEncode,
                                WorkPart::kSteps, WorkPart::kVaeDecode, WorkPart::kEncodePicture}) {
      expected.emplace_back(image, part);
    }
  }
  EXPECT_THAT(trace_->parts(), ::testing::UnorderedElementsAreArray(expected));
  EXPECT_THAT(trace_->steps(), SizeIs(4));  // Two of each picture.
}

TEST_F(UpscalerTraceTest, NamesAStepOnceForAllWhoShareIt) {
  for (const std::size_t rows : {1U, 2U, 1U, 2U}) costs_.NoteStep(kKey, rows, 1s);  // Two gain.
  const auto other_trace = std::make_shared<KeptTrace>("b");
  const auto other = std::make_shared<CollectingListener>();
  UpscaleTask task = Task(16, 16, TimePoint::max());
  task.steps = 1;
  task.trace = trace_;
  ASSERT_THAT(upscaler_.Start(task, listener_), IsOk());
  task.trace = other_trace;
  ASSERT_THAT(upscaler_.Start(task, other), IsOk());
  AwaitDepth(2);

  StartReplica();
  ASSERT_THAT(listener_->AwaitOutcome(), IsOk());
  ASSERT_THAT(other->AwaitOutcome(), IsOk());

  ASSERT_THAT(trace_->steps(), SizeIs(1));
  EXPECT_EQ(trace_->steps(), other_trace->steps());
  EXPECT_EQ(trace_->batch_sizes().size() + other_trace->batch_sizes().size(), 1U);
}

TEST_F(UpscalerTraceTest, TellsHowFarARequestCameThatFailed) {
  script_.FailPass({.seed = 10, .step = 2}, absl::InternalError("as told"));
  StartReplica();
  UpscaleTask task = Task(16, 16, TimePoint::max());
  task.trace = trace_;

  EXPECT_THAT(Run(std::move(task)), StatusIs(absl::StatusCode::kInternal));

  EXPECT_THAT(trace_->parts(), Contains(Pair(0, WorkPart::kSteps)));
  EXPECT_THAT(trace_->steps(), SizeIs(1));
}

TEST_F(UpscalerTraceTest, TellsHowLongARequestWaitedInVain) {
  UpscaleTask task = Task(16, 16, TimePoint::max());
  task.trace = trace_;
  const auto job = upscaler_.Start(std::move(task), listener_);
  ASSERT_THAT(job, IsOk());
  AwaitDepth(1);

  upscaler_.Cancel(**job);

  EXPECT_THAT(listener_->AwaitOutcome(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(trace_->parts(),
              ElementsAre(Pair(0, WorkPart::kDecodePicture), Pair(0, WorkPart::kQueue)));
}

}  // namespace
}  // namespace upscaler
