#include "client/cli/progress_display.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;

using Event = v1::UpscaleStreamResponse;

Event Queued(std::uint32_t position) {
  Event event;
  event.mutable_queued()->set_position(position);
  return event;
}

Event Step(std::uint32_t step, std::uint32_t total) {
  Event event;
  auto& progress = *event.mutable_progress();
  progress.set_phase(Event::PHASE_DENOISE);
  progress.set_step(step);
  progress.set_total_steps(total);
  progress.set_fraction(static_cast<double>(step) / total);
  return event;
}

class ProgressDisplayTest : public ::testing::Test {
 protected:
  test::FakeClock clock_;
};

TEST_F(ProgressDisplayTest, DrawsABarOnATerminal) {
  std::ostringstream out;
  ProgressDisplay display(out, {.is_terminal = true}, clock_);
  Event event = Step(10, 20);
  event.mutable_progress()->mutable_eta()->set_seconds(68);

  display.Show("cat.png", event);

  EXPECT_THAT(out.str(), HasSubstr("[###############...............] step 10/20, 1:08 left"));
}

TEST_F(ProgressDisplayTest, WipesTheTerminalsLineAtTheEnd) {
  std::ostringstream out;
  { ProgressDisplay(out, {.is_terminal = true}, clock_).Show("cat.png", Step(1, 2)); }

  EXPECT_THAT(out.str(), EndsWith("\r\x1b[K"));
}

TEST_F(ProgressDisplayTest, SaysLittleInALog) {
  std::ostringstream out;
  {
    ProgressDisplay display(out, {}, clock_);
    display.Show("cat.png", Queued(3));
    display.Show("cat.png", Queued(3));
    display.Show("cat.png", Queued(0));
    for (std::uint32_t step = 1; step <= 8; ++step) display.Show("cat.png", Step(step, 8));
  }

  EXPECT_EQ(out.str(),
            "waiting, pictures ahead: 3\n"
            "step 1/8\nstep 2/8\nstep 4/8\nstep 6/8\nstep 8/8\n");
}

TEST_F(ProgressDisplayTest, BearsAFractionBeyondTheEnd) {
  std::ostringstream out;
  Event event = Step(1, 1);
  event.mutable_progress()->set_fraction(7.0);

  ProgressDisplay(out, {.is_terminal = true}, clock_).Show("cat.png", event);

  EXPECT_THAT(out.str(), HasSubstr("[##############################] step 1/1"));
}

TEST_F(ProgressDisplayTest, CoversAllPicturesWithOneBar) {
  std::ostringstream out;
  ProgressDisplay display(out, {.is_terminal = true, .total = 4}, clock_);
  display.Show("a.png", Step(1, 2));
  display.End("a.png");
  clock_.Advance(30s);

  display.Show("b.png", Step(1, 2));

  // 1.5 of 4 pictures in 30 s.
  EXPECT_THAT(out.str(),
              EndsWith("[###########...................] 1/4 done, b.png: step 1/2, 0:50 left"));
}

TEST_F(ProgressDisplayTest, SaysNothingOfStepsInALogOfSeveralPictures) {
  std::ostringstream out;
  ProgressDisplay display(out, {.total = 2}, clock_);

  display.Show("a.png", Queued(3));
  display.Show("a.png", Step(1, 2));

  EXPECT_EQ(out.str(), "");
}

TEST_F(ProgressDisplayTest, KeepsTheBarBelowWhatIsSaid) {
  std::ostringstream out;
  ProgressDisplay display(out, {.is_terminal = true}, clock_);
  display.Show("a.png", Step(2, 2));

  display.Say("a warning");

  EXPECT_THAT(out.str(), EndsWith("\r\x1b[Ka warning\n[##############################] step 2/2"));
}

TEST_F(ProgressDisplayTest, TellsWhyItWaits) {
  std::ostringstream out;
  ProgressDisplay display(out, {.total = 2}, clock_);

  display.ShowRetry("a.png", absl::ResourceExhaustedError("the queue is full"), 3200ms);

  EXPECT_EQ(out.str(), "a.png: the queue is full; trying again in 4 s\n");
}

TEST_F(ProgressDisplayTest, SaysOnlyWhatItMustWhenQuiet) {
  std::ostringstream out;
  {
    ProgressDisplay display(out, {.is_terminal = true, .quiet = true}, clock_);
    display.Show("a.png", Step(1, 2));
    display.ShowRetry("a.png", absl::UnavailableError("away"), 1s);
    display.Say("an error");
  }

  EXPECT_EQ(out.str(), "an error\n");
}

}  // namespace
}  // namespace upscaler
