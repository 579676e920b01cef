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

ProgressDisplay::ProgressDisplay(std::ostream& out, const Options& options, const Clock& clock)
    : options_(options), clock_(clock), start_(clock.Now()), out_(out) {}

ProgressDisplay::~ProgressDisplay() {
  const MutexLock lock(mutex_);
  if (options_.is_terminal && !drawn_.empty()) out_ << kWipeLine << std::flush;
}

void ProgressDisplay::Show(const std::string& name, const Event& event) {
  const MutexLock lock(mutex_);
  if (options_.quiet) return;
  if (event.has_queued()) ShowQueued(name, event.queued());
  if (event.has_progress()) ShowProgress(name, event.progress());
}

void ProgressDisplay::ShowRetry(const std::string& name, const absl::Status& status,
                                std::chrono::milliseconds delay) {
  const MutexLock lock(mutex_);
  if (options_.quiet) return;
  fractions_.erase(name);
  Draw(fmt::format("{}{}; trying again in {} s", Label(name), std::string(status.message()),
                   std::chrono::ceil<std::chrono::seconds>(delay).count()));
}

void ProgressDisplay::End(const std::string& name) {
  const MutexLock lock(mutex_);
  fractions_.erase(name);
  ++done_;
}

void ProgressDisplay::Say(std::string_view line) {
  const MutexLock lock(mutex_);
  if (!options_.is_terminal || drawn_.empty()) {
    out_ << line << "\n" << std::flush;
  } else {
    out_ << kWipeLine << line << "\n" << drawn_ << std::flush;
  }
}

void ProgressDisplay::ShowQueued(const std::string& name, const Event::Queued& queued) {
  if (queued.position() == 0) return;  // The next line comes at once.
  // In a log of several pictures, these would bury what matters.
  if (options_.total > 1 && !options_.is_terminal) return;
  DrawBar(fmt::format("{}waiting, pictures ahead: {}", Label(name), queued.position()), "");
}

void ProgressDisplay::ShowProgress(const std::string& name, const Event::Progress& progress) {
  fractions_[name] = std::clamp(progress.fraction(), 0.0, 1.0);
  if (options_.is_terminal) {
    DrawBar(Label(name) + PhaseName(progress), TimeLeft(progress));
    return;
  }
  if (options_.total > 1) return;
  if (progress.phase() != Event::PHASE_DENOISE || progress.total_steps() == 0) return;
  const std::uint32_t quarter = progress.step() * kLinesInLog / progress.total_steps();
  if (quarter_shown_ == quarter) return;
  quarter_shown_ = quarter;
  Draw(PhaseName(progress));
}

std::string ProgressDisplay::Label(const std::string& name) const {
  return options_.total > 1 ? name + ": " : "";
}

double ProgressDisplay::Fraction() const {
  double sum = static_cast<double>(done_);
  for (const auto& [name, fraction] : fractions_) sum += fraction;
  return sum / static_cast<double>(std::max<std::size_t>(options_.total, 1));
}

std::string ProgressDisplay::TimeLeft(const Event::Progress& progress) const {
  if (options_.total == 1) {
    if (!progress.has_eta()) return "";
    return fmt::format(", {} left", MinutesAndSeconds(ToSeconds(progress.eta())));
  }
  // The server knows of one picture; of all, only the pace so far is known.
  const double fraction = Fraction();
  if (fraction <= 0) return "";
  const double passed = std::chrono::duration<double>(clock_.Now() - start_).count();
  return fmt::format(", {} left", MinutesAndSeconds(passed * (1 - fraction) / fraction));
}

void ProgressDisplay::DrawBar(std::string_view step, std::string_view time_left) {
  if (options_.total > 1) {
    Draw(fmt::format("{} {}/{} done, {}{}", Bar(Fraction()), done_, options_.total, step,
                     time_left));
  } else if (fractions_.empty()) {
    Draw(step);  // It waits: there is nothing to fill a bar with.
  } else {
    Draw(fmt::format("{} {}{}", Bar(Fraction()), step, time_left));
  }
}

void ProgressDisplay::Draw(std::string_view line) {
  if (line == drawn_) return;
  drawn_ = line;
  if (options_.is_terminal) {
    out_ << kWipeLine << line << std::flush;
  } else {
    out_ << line << "\n" << std::flush;
  }
}

}  // namespace upscaler
