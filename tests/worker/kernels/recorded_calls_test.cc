#include "worker/kernels/recorded_calls.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"

namespace upscaler {
namespace {

using ::testing::ElementsAre;

// What a recorder without a device did.
struct Tally {
  int recorded = 0;
  int replayed = 0;
  int living = 0;
  bool broken = false;
  bool full = false;
};

// Remembers the call, and makes it each time.
class RememberedCall final : public RecordedCall {
 public:
  RememberedCall(TensorCall call, Tally& tally) : call_(std::move(call)), tally_(tally) {
    ++tally_.living;
  }
  ~RememberedCall() override { --tally_.living; }

  at::Tensor Replay(std::span<const at::Tensor> inputs) override {
    ++tally_.replayed;
    return call_(inputs);
  }

 private:
  const TensorCall call_;
  Tally& tally_;
};

class FakeRecorder final : public CallRecorder {
 public:
  explicit FakeRecorder(Tally& tally) : tally_(tally) {}

  std::unique_ptr<RecordedCall> Record(const TensorCall& call,
                                       std::span<const at::Tensor> /*inputs*/) override {
    TORCH_CHECK(!tally_.broken, "no recording today");
    TORCH_CHECK_WITH(OutOfMemoryError, !tally_.full, "no memory");
    ++tally_.recorded;
    return std::make_unique<RememberedCall>(call, tally_);
  }

 private:
  Tally& tally_;
};

class RecordedCallsTest : public ::testing::Test {
 protected:
  // The sum of two tensors with so many numbers.
  void Call(std::int64_t numbers) {
    const at::Tensor first = at::arange(numbers);
    const at::Tensor sum = calls_.Call([](auto inputs) { return inputs[0] + inputs[1]; },
                                       std::array{first, at::ones(numbers)});
    EXPECT_THAT(sum, test::TensorNear(first + 1, 0));
  }

  Tally tally_;
  std::vector<std::string> warnings_;
  RecordedCalls calls_{
      {.recorder = std::make_unique<FakeRecorder>(tally_),
       .most = 2,
       .most_numbers = 100,
       .warn = [this](const std::string& reason) { warnings_.push_back(reason); }}};
};

TEST_F(RecordedCallsTest, RecordsAShapeWhenItComesAgain) {
  Call(3);
  EXPECT_EQ(tally_.recorded, 0);

  Call(3);
  Call(3);

  EXPECT_EQ(tally_.recorded, 1);
  EXPECT_EQ(tally_.replayed, 2);
}

TEST_F(RecordedCallsTest, KeepsTheShapesUsedLast) {
  for (const std::int64_t numbers : {3, 3, 4, 4, 3, 5, 5}) Call(numbers);
  EXPECT_EQ(tally_.living, 2);
  EXPECT_EQ(tally_.recorded, 3);

  Call(3);

  EXPECT_EQ(tally_.recorded, 3);
  EXPECT_EQ(tally_.replayed, 5);
}

TEST_F(RecordedCallsTest, RecordsNothingLarge) {
  for (int i = 0; i < 3; ++i) Call(101);

  EXPECT_EQ(tally_.recorded, 0);
}

TEST_F(RecordedCallsTest, GivesUpWhereRecordingFails) {
  Call(3);
  Call(3);
  tally_.broken = true;

  for (int i = 0; i < 3; ++i) Call(4);

  EXPECT_THAT(warnings_, ElementsAre("no recording today"));
  EXPECT_EQ(tally_.living, 0);
}

TEST_F(RecordedCallsTest, GivesUpWhatItHasWhereThereIsNoMemoryForMore) {
  Call(3);
  Call(3);
  tally_.full = true;

  Call(4);
  Call(4);
  EXPECT_EQ(tally_.living, 0);
  EXPECT_THAT(warnings_, ::testing::IsEmpty());

  tally_.full = false;
  Call(4);
  Call(4);
  EXPECT_EQ(tally_.living, 1);
}

TEST_F(RecordedCallsTest, GivesTheMemoryBack) {
  Call(3);
  Call(3);

  calls_.Clear();

  EXPECT_EQ(tally_.living, 0);
  Call(3);
  EXPECT_EQ(tally_.recorded, 1);
}

TEST(RecordedCallsWithoutRecorderTest, MakesTheCall) {
  RecordedCalls calls;
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(calls.Call([](auto inputs) { return inputs[0] * 2; }, std::array{at::ones(3)}),
                test::TensorNear(at::full(3, 2.0), 0));
  }
}

}  // namespace
}  // namespace upscaler
