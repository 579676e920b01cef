// Shows the user how far the server is.

#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// On a terminal, one line that is drawn again and again:
//
//   [##############................] step 12/25, 0:08 left
//
// Elsewhere, in a log say, a few plain lines. Not thread-safe.
class ProgressDisplay {
 public:
  // `out` must outlive the display.
  ProgressDisplay(std::ostream& out, bool is_terminal) : out_(out), is_terminal_(is_terminal) {}

  // Wipes the line off the terminal.
  ~ProgressDisplay();

  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void Show(const v1::UpscaleStreamResponse& event);

 private:
  void ShowQueued(const v1::UpscaleStreamResponse::Queued& queued);
  void ShowProgress(const v1::UpscaleStreamResponse::Progress& progress);
  void Draw(std::string_view line);

  std::ostream& out_;
  const bool is_terminal_;
  std::optional<std::uint32_t> quarter_shown_;  // Of the steps, in a log.
  std::string drawn_;                           // What was shown last.
};

}  // namespace upscaler
