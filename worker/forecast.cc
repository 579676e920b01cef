#include "worker/forecast.h"

#include <algorithm>
#include <utility>

namespace upscaler {
namespace {

// What a refused client is told where nothing is known yet, and at least.
constexpr std::chrono::milliseconds kUnknown{1000};
constexpr std::chrono::milliseconds kLeast{50};

}  // namespace

Forecast::Forecast(const Admission& admission, const RowQueue& queue, const CostModel& costs,
                   std::function<std::size_t()> replicas)
    : admission_(admission), queue_(queue), costs_(costs), replicas_(std::move(replicas)) {}

TimePoint::duration Forecast::UntilDone(TimePoint::duration work, std::size_t rows) const {
  return UntilDone(queue_.WorkBefore(work), work, rows);
}

TimePoint::duration Forecast::UntilDone(TimePoint::duration work_before, TimePoint::duration work,
                                        std::size_t rows) const {
  const auto others = static_cast<TimePoint::rep>(rows - 1);
  const std::chrono::duration<double> before = work_before + others * work;
  return std::chrono::duration_cast<TimePoint::duration>(before / Pace()) + work;
}

std::chrono::milliseconds Forecast::UntilRoom(std::size_t rows) const {
  const std::size_t admitted = admission_.rows();
  const std::chrono::duration<double> ahead = queue_.work_ahead();
  if (admitted == 0 || ahead <= ahead.zero()) return kUnknown;
  // Rows end one by one, on average after their share of all the work.
  const auto ends = static_cast<double>(std::min(rows, admitted));
  const auto room = std::chrono::ceil<std::chrono::milliseconds>(ahead / Pace() * ends /
                                                                 static_cast<double>(admitted));
  return std::max(room, kLeast);
}

double Forecast::Pace() const {
  return costs_.Speedup() * static_cast<double>(std::max<std::size_t>(replicas_(), 1));
}

}  // namespace upscaler
