#include "worker/scheduler/finished_row.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "worker/scheduler/decoded_rows.h"
#include "worker/scheduler/picture_memory.h"

namespace upscaler {

void Decode(const DecodingPlace& place, FinishedRow finished, Engine::Decoding decoding) {
  const SchedulerParts& parts = place.parts;
  Row& row = finished.row;
  const BatchKey key = BatchKeyOf(row.spec);
  const TimePoint start = parts.clock.Now();
  absl::StatusOr<RowOutput> output;
  // Decoding costs as much as several steps; it is not done for nobody.
  if (std::optional<absl::Status> departure = DepartureOf(row, start)) {
    output = *std::move(departure);
  } else {
    const Pulse::Work work(place.pulse, parts.costs.DecodeTime(key));
    output = std::move(decoding)();
  }
  if (!output.ok()) {
    parts.observer.OnWastedSteps(row.spec.steps);
    std::move(row.reply).Send(absl::IsResourceExhausted(output.status())
                                  ? TooLargeForMemory(key, 1, 1, place.sides)
                                  : output.status());
    return;
  }
  const TimePoint end = parts.clock.Now();
  finished.timings.decode = end - start;
  if (auto* rows = std::get_if<std::unique_ptr<PictureRows>>(&*output)) {
    output = std::make_unique<DecodedRows>(place, row, std::move(*rows));
  } else if (!row.spec.latents_wanted) {
    parts.observer.OnStage(Stage::kVaeDecode, finished.timings.decode);
    row.trace.OnPart(WorkPart::kVaeDecode, start, end);
    parts.costs.NoteDecode(key, finished.timings.decode);
  }
  std::move(row.reply).Send(RowResult{.output = *std::move(output),
                                      .warnings = std::move(finished.warnings),
                                      .timings = finished.timings});
}

}  // namespace upscaler
