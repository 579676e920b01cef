// Shows the user how far the work is, and what happens on the way.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// On a terminal, one line for all pictures that is drawn again and again:
//
//   [##############................] step 12/25, 0:08 left
//   [#####.........................] 2/12 done, cat.png: step 12/25, 1:40 left
//
// Elsewhere, in a log say, a few plain lines: of a single picture's steps, or none where
// there are several. Thread-safe.
class ProgressDisplay {
 public:
  struct Options {
    bool is_terminal = false;
    bool quiet = false;     // Only what is said with Say.
    std::size_t total = 1;  // Pictures.
  };

  // `out` and `clock` must outlive the display. Nobody else writes to `out` meanwhile.
  ProgressDisplay(std::ostream& out, const Options& options, const Clock& clock);

  // Wipes the line off the terminal.
  ~ProgressDisplay();

  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // The picture called `name` has come so far.
  void Show(const std::string& name, const v1::UpscaleStreamResponse& event)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // An attempt at the picture has ended so, and there is another one after `delay`.
  void ShowRetry(const std::string& name, const absl::Status& status,
                 std::chrono::milliseconds delay) ABSL_LOCKS_EXCLUDED(mutex_);

  // The picture is finished, well or not.
  void End(const std::string& name) ABSL_LOCKS_EXCLUDED(mutex_);

  // A line of text that stays, even where the display is quiet.
  void Say(std::string_view line) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void ShowQueued(const std::string& name, const v1::UpscaleStreamResponse::Queued& queued)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ShowProgress(const std::string& name, const v1::UpscaleStreamResponse::Progress& progress)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // "cat.png: " where there are several pictures.
  std::string Label(const std::string& name) const;
  // Of all pictures, from 0 to 1.
  double Fraction() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // ", 0:08 left", or nothing while that is not known.
  std::string TimeLeft(const v1::UpscaleStreamResponse::Progress& progress) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DrawBar(std::string_view step, std::string_view time_left)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Draw(std::string_view line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const Clock& clock_;
  const TimePoint start_;

  Mutex mutex_;
  std::ostream& out_ ABSL_GUARDED_BY(mutex_);
  std::size_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, double> fractions_ ABSL_GUARDED_BY(mutex_);     // Of those in work.
  std::optional<std::uint32_t> quarter_shown_ ABSL_GUARDED_BY(mutex_);  // Of steps, in a log.
  std::string drawn_ ABSL_GUARDED_BY(mutex_);                           // What was shown last.
};

}  // namespace upscaler
