#include "worker/scheduler/warm_up.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "common/status_macros.h"

namespace upscaler {
namespace {

// Of each size of batch; CostModel trusts no single one.
constexpr int kStepsMeasured = 2;

// More sizes of batch than are ever measured of one picture.
constexpr int kMostSizes = 16;

// A grey square that asks for guidance, as most clients do.
RowSpec Square(int side, int steps) {
  const auto samples =
      Image::kChannels * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  return {.picture = std::make_shared<const Image>(
              Image{.width = side,
                    .height = side,
                    .pixels = std::vector<std::uint8_t>(samples, std::uint8_t{128})}),
          .prompt = "",
          .negative_prompt = "",
          .guidance_scale = 2,
          .steps = steps,
          .seed = 0};
}

class Measurement {
 public:
  Measurement(Engine& engine, const Clock& clock, CostModel& costs)
      : engine_(engine), clock_(clock), costs_(costs) {}
  ~Measurement() { DropRows(); }
  Measurement(const Measurement&) = delete;
  Measurement& operator=(const Measurement&) = delete;

  // One row of the square from its picture to its pixels.
  absl::Status RunRow(int side) {
    DropRows();
    UPSCALER_RETURN_IF_ERROR(AddRow(Square(side, /*steps=*/1)));
    UPSCALER_RETURN_IF_ERROR(Step());
    Engine::Decoding decoding = engine_.Finish(rows_.back());
    rows_.pop_back();
    const TimePoint start = clock_.Now();
    UPSCALER_RETURN_IF_ERROR(std::move(decoding)().status());
    costs_.NoteDecode(key_, clock_.Now() - start);
    return absl::OkStatus();
  }

  // Steps of more and more rows, for as long as that is worth it and they fit into memory.
  // False when that would take beyond `end`.
  absl::StatusOr<bool> RunBatches(int side, TimePoint end) {
    DropRows();
    for (std::size_t wanted = 1; wanted > rows_.size(); wanted = costs_.BatchCap(key_)) {
      const TimePoint::duration step = costs_.StepTime(key_, wanted);
      if (clock_.Now() + kStepsMeasured * step > end) return false;
      const absl::Status status = RunBatch(side, wanted);
      if (absl::IsResourceExhausted(status) && wanted > 1) {
        costs_.NoteMemoryLimit(key_, wanted / 2);
        return true;
      }
      UPSCALER_RETURN_IF_ERROR(status);
    }
    return true;
  }

 private:
  // Steps of so many rows.
  absl::Status RunBatch(int side, std::size_t rows) {
    while (rows_.size() < rows) {
      UPSCALER_RETURN_IF_ERROR(AddRow(Square(side, kStepsMeasured * kMostSizes)));
    }
    for (int i = 0; i < kStepsMeasured; ++i) UPSCALER_RETURN_IF_ERROR(Step());
    return absl::OkStatus();
  }

  absl::Status AddRow(const RowSpec& spec) {
    key_ = BatchKeyOf(spec);
    const TimePoint start = clock_.Now();
    UPSCALER_RETURN_IF_ERROR(engine_.Admit(++last_id_, spec).status());
    costs_.NoteEncode(key_, clock_.Now() - start);
    rows_.push_back(last_id_);
    return absl::OkStatus();
  }

  absl::Status Step() {
    const TimePoint start = clock_.Now();
    UPSCALER_ASSIGN_OR_RETURN(const std::vector<absl::Status> statuses, engine_.Step(rows_));
    costs_.NoteStep(key_, rows_.size(), clock_.Now() - start);
    return statuses.front();
  }

  void DropRows() {
    for (const RowId id : rows_) engine_.Drop(id);
    rows_.clear();
  }

  Engine& engine_;
  const Clock& clock_;
  CostModel& costs_;
  BatchKey key_;
  RowId last_id_ = 0;
  std::vector<RowId> rows_;
};

// Whether a square's measurement is worth beginning: it takes about four times as long as
// that of the square before.
bool FitsInto(TimePoint::duration left, TimePoint::duration before) { return 4 * before < left; }

}  // namespace

absl::Status MeasureCosts(Engine& engine, const WarmUpOptions& options, const Clock& clock,
                          CostModel& costs) {
  const TimePoint end = clock.Now() + options.budget;
  const int smallest = engine.sides().minimum;
  const std::int64_t most = std::max(options.max_pixels, std::int64_t{smallest} * smallest);
  Measurement measurement(engine, clock, costs);
  for (int side = smallest; std::int64_t{side} * side <= most; side *= 2) {
    const TimePoint start = clock.Now();
    const absl::Status one = measurement.RunRow(side);
    if (!one.ok()) {
      return side > smallest && absl::IsResourceExhausted(one) ? absl::OkStatus() : one;
    }
    const absl::StatusOr<bool> batches = measurement.RunBatches(side, end);
    if (!batches.ok()) {
      return absl::IsResourceExhausted(batches.status()) ? absl::OkStatus() : batches.status();
    }
    if (!*batches || !FitsInto(end - clock.Now(), clock.Now() - start)) break;
  }
  return absl::OkStatus();
}

}  // namespace upscaler
