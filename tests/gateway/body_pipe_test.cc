#include "gateway/body_pipe.h"

#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

using Outcome = BodyPipe::Outcome;

class BodyPipeTest : public ::testing::Test {
 protected:
  Outcome Take(std::size_t size = 100) {
    std::string buffer(size, '\0');
    const BodyPipe::Taken taken = pipe_.Take(
        buffer.data(), size,
        [this] {
          ++pauses_;
          return may_pause_;
        },
        [this] { ++resumes_; });
    read_ += buffer.substr(0, taken.bytes);
    return taken.outcome;
  }

  BodyPipe pipe_;
  std::string read_;
  int pauses_ = 0;
  int resumes_ = 0;
  bool may_pause_ = true;
};

TEST_F(BodyPipeTest, GivesWhatWasWrittenInOrderHoweverItIsTaken) {
  pipe_.Write("one ");
  pipe_.Write("");
  pipe_.Write("two");
  pipe_.Close();

  while (Take(3) == Outcome::kBytes) continue;

  EXPECT_EQ(read_, "one two");
  EXPECT_EQ(Take(), Outcome::kEnd);
  EXPECT_EQ(pauses_, 0);
}

TEST_F(BodyPipeTest, CountsWhatWaits) {
  pipe_.Write("12345");
  Take(2);

  EXPECT_EQ(pipe_.waiting_bytes(), 3u);
}

TEST_F(BodyPipeTest, ResumesAPausedReaderOnce) {
  EXPECT_EQ(Take(), Outcome::kNothingYet);
  EXPECT_EQ(resumes_, 0);

  pipe_.Write("a");
  pipe_.Write("b");

  EXPECT_EQ(resumes_, 1);
  EXPECT_EQ(Take(), Outcome::kBytes);
  EXPECT_EQ(read_, "ab");
}

TEST_F(BodyPipeTest, ResumesAPausedReaderAtTheEnd) {
  Take();
  pipe_.Close();

  EXPECT_EQ(resumes_, 1);
  EXPECT_EQ(Take(), Outcome::kEnd);
}

TEST_F(BodyPipeTest, ABrokenBodyDropsWhatWaits) {
  pipe_.Write("lost");
  pipe_.Break();
  pipe_.Close();

  EXPECT_EQ(Take(), Outcome::kBroken);
}

TEST_F(BodyPipeTest, AReaderThatCannotWaitGetsABrokenBody) {
  may_pause_ = false;

  EXPECT_EQ(Take(), Outcome::kBroken);
  pipe_.Write("more");
  EXPECT_EQ(resumes_, 0);
}

TEST_F(BodyPipeTest, TellsTheProducerWhenEverythingIsTaken) {
  int told = 0;
  pipe_.WhenEmpty([&told] { ++told; });
  EXPECT_EQ(told, 1);  // Nothing was there.

  pipe_.Write("12");
  pipe_.WhenEmpty([&told] { ++told; });
  Take(1);
  EXPECT_EQ(told, 1);
  Take(1);
  EXPECT_EQ(told, 2);
}

TEST_F(BodyPipeTest, KeepsNothingForAReaderThatHasGone) {
  int told = 0;
  pipe_.Write("12");
  pipe_.WhenEmpty([&told] { ++told; });

  pipe_.Abandon();
  pipe_.Write("34");
  pipe_.WhenEmpty([&told] { ++told; });

  EXPECT_EQ(pipe_.waiting_bytes(), 0u);
  EXPECT_EQ(told, 0);
  EXPECT_EQ(Take(), Outcome::kBroken);
}

}  // namespace
}  // namespace upscaler
