#include "client/cli/progress_display.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

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

TEST(ProgressDisplayTest, DrawsABarOnATerminal) {
  std::ostringstream out;
  ProgressDisplay display(out, /*is_terminal=*/true);
  Event event = Step(10, 20);
  event.mutable_progress()->mutable_eta()->set_seconds(68);

  display.Show(event);

  EXPECT_THAT(out.str(), HasSubstr("[###############...............] step 10/20, 1:08 left"));
}

TEST(ProgressDisplayTest, WipesTheTerminalsLineAtTheEnd) {
  std::ostringstream out;
  { ProgressDisplay(out, /*is_terminal=*/true).Show(Step(1, 2)); }

  EXPECT_THAT(out.str(), EndsWith("\r\x1b[K"));
}

TEST(ProgressDisplayTest, SaysLittleInALog) {
  std::ostringstream out;
  {
    ProgressDisplay display(out, /*is_terminal=*/false);
    display.Show(Queued(3));
    display.Show(Queued(3));
    display.Show(Queued(0));
    for (std::uint32_t step = 1; step <= 8; ++step) display.Show(Step(step, 8));
  }

  EXPECT_EQ(out.str(),
            "waiting, pictures ahead: 3\n"
            "step 1/8\nstep 2/8\nstep 4/8\nstep 6/8\nstep 8/8\n");
}

TEST(ProgressDisplayTest, BearsAFractionBeyondTheEnd) {
  std::ostringstream out;
  Event event = Step(1, 1);
  event.mutable_progress()->set_fraction(7.0);

  ProgressDisplay(out, /*is_terminal=*/true).Show(event);

  EXPECT_THAT(out.str(), HasSubstr("[##############################] step 1/1"));
}

}  // namespace
}  // namespace upscaler
