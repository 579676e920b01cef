#include "client/cli/progress_display.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "client/timings.h"

namespace upscaler {
namespace {

using Event = v1::UpscaleStreamResponse;

constexpr int kBarWidth = 30;
constexpr std::uint32_t kLinesInLog = 4;
constexpr std::string_view kWipeLine = "\r\x1b[K";

std::string Bar(double fraction) {
  const int done = static_cast<int>(
      std::lround(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(kBarWidth)));
  return fmt::format("[{:#>{}}{:.>{}}]", "", done, "", kBarWidth - done);
}

// "0:08", "12:34"
std::string MinutesAndSeconds(double seconds) {
  const auto whole = std::max(std::lround(seconds), 0L);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string PhaseName(const Event::Progress& progress) {
  switch (progress.phase()) {
    case Event::PHASE_ENCODE:
      return "reading the picture";
    case Event::PHASE_DECODE:
      return "painting the result";
    default:
      return fmt::format("step {}/{}", progress.step(), progress.total_steps());
  }
}

}  // namespace

ProgressDisplay::~ProgressDisplay() {
  if (is_terminal_ && !drawn_.empty()) out_ << kWipeLine << std::flush;
}

void ProgressDisplay::Show(const Event& event) {
  if (event.has_queued()) ShowQueued(event.queued());
  if (event.has_progress()) ShowProgress(event.progress());
}

void ProgressDisplay::ShowQueued(const Event::Queued& queued) {
  if (queued.position() == 0) return;  // The next line comes at once.
  Draw(fmt::format("waiting, pictures ahead: {}", queued.position()));
}

void ProgressDisplay::ShowProgress(const Event::Progress& progress) {
  if (is_terminal_) {
    std::string line = fmt::format("{} {}", Bar(progress.fraction()), PhaseName(progress));
    if (progress.has_eta()) {
      line += fmt::format(", {} left", MinutesAndSeconds(ToSeconds(progress.eta())));
    }
    Draw(line);
    return;
  }
  if (progress.phase() != Event::PHASE_DENOISE || progress.total_steps() == 0) return;
  const std::uint32_t quarter = progress.step() * kLinesInLog / progress.total_steps();
  if (quarter_shown_ == quarter) return;
  quarter_shown_ = quarter;
  Draw(PhaseName(progress));
}

void ProgressDisplay::Draw(std::string_view line) {
  if (line == drawn_) return;
  drawn_ = line;
  if (is_terminal_) {
    out_ << kWipeLine << line << std::flush;
  } else {
    out_ << line << "\n" << std::flush;
  }
}

}  // namespace upscaler
