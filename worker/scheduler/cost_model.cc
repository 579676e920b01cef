#include "worker/scheduler/cost_model.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace upscaler {
namespace {

// Of a new sample in the moving averages.
constexpr double kNewSampleWeight = 0.2;

// A size of batch counts as measured after so many steps; the first one may have
// set things up.
constexpr int kSamplesWanted = 2;

// What a larger batch has to gain to be worth it, from scheduling.md's rule.
constexpr double kWorthwhileGain = 1.05;

// A batch that is twice as large and gains less than this is the end of the search.
constexpr double kLeastProgress = 1.02;

// One step in so many tries a larger batch than the best one known, in case that one
// was measured in a bad moment.
constexpr int kStepsBetweenTrials = 256;

// What a step's time grows with: pixels, once for each pass of the UNet.
double StepUnits(const BatchKey& key) {
  return static_cast<double>(key.width) * key.height * key.passes();
}

double Pixels(const BatchKey& key) { return static_cast<double>(key.width) * key.height; }

// Two classes an octave: pictures in one class differ by less than half in size.
int SizeClassOf(const BatchKey& key) {
  return static_cast<int>(std::lround(2 * std::log2(StepUnits(key))));
}

double Seconds(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

TimePoint::duration ToDuration(double seconds) {
  return std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

CostModel::CostModel(std::size_t max_batch)
    : max_batch_(std::clamp<std::size_t>(max_batch, 1, kMaxBatch)) {}

void CostModel::Measure::Note(double seconds) {
  recent = samples == 0 ? seconds : recent + kNewSampleWeight * (seconds - recent);
  least = samples == 0 ? seconds : std::min(least, seconds);
  ++samples;
}

void CostModel::NoteEncode(const BatchKey& key, TimePoint::duration took) {
  MutexLock lock(mutex_);
  sizes_[SizeClassOf(key)].encode.Note(Seconds(took) / Pixels(key));
}

void CostModel::NoteStep(const BatchKey& key, std::size_t rows, TimePoint::duration took) {
  MutexLock lock(mutex_);
  SizeClass& size = sizes_[SizeClassOf(key)];
  const double row = Seconds(took) / StepUnits(key) / static_cast<double>(rows);
  size.step[std::min(rows, kMaxBatch)].Note(row);
  ++size.steps;
  size.key = key;
  if (size.step[1].samples > 0 && row > 0) {
    speedup_ += kNewSampleWeight * (size.step[1].recent / row - speedup_);
  }
}

void CostModel::NoteDecode(const BatchKey& key, TimePoint::duration took) {
  MutexLock lock(mutex_);
  sizes_[SizeClassOf(key)].decode.Note(Seconds(took) / Pixels(key));
}

void CostModel::NoteMemoryLimit(const BatchKey& key, std::size_t rows) {
  MutexLock lock(mutex_);
  std::size_t& limit = sizes_[SizeClassOf(key)].memory_limit;
  limit = std::min(limit, std::max<std::size_t>(rows, 1));
}

void CostModel::LimitMemory(std::function<std::int64_t(const BatchKey&)> row_bytes,
                            std::int64_t bytes) {
  MutexLock lock(mutex_);
  row_bytes_ = std::move(row_bytes);
  memory_bytes_ = bytes;
}

TimePoint::duration CostModel::EncodeTime(const BatchKey& key) const {
  MutexLock lock(mutex_);
  const SizeClass* size = Nearest(key, [](const SizeClass& one) { return one.encode.samples > 0; });
  return size == nullptr ? TimePoint::duration::zero()
                         : ToDuration(size->encode.recent * Pixels(key));
}

TimePoint::duration CostModel::DecodeTime(const BatchKey& key) const {
  MutexLock lock(mutex_);
  const SizeClass* size = Nearest(key, [](const SizeClass& one) { return one.decode.samples > 0; });
  return size == nullptr ? TimePoint::duration::zero()
                         : ToDuration(size->decode.recent * Pixels(key));
}

TimePoint::duration CostModel::StepTime(const BatchKey& key, std::size_t rows) const {
  MutexLock lock(mutex_);
  const SizeClass* size = Nearest(key, [](const SizeClass& one) { return one.steps > 0; });
  if (size == nullptr) return TimePoint::duration::zero();
  // The batch measured that is nearest in its number of rows.
  const Measure* nearest = nullptr;
  std::size_t least_distance = 0;
  for (std::size_t measured = 1; measured <= kMaxBatch; ++measured) {
    const std::size_t distance = std::max(measured, rows) - std::min(measured, rows);
    if (size->step[measured].samples == 0) continue;
    if (nearest != nullptr && distance >= least_distance) continue;
    nearest = &size->step[measured];
    least_distance = distance;
  }
  return ToDuration(nearest->recent * StepUnits(key) * static_cast<double>(rows));
}

TimePoint::duration CostModel::RowTime(const BatchKey& key, int steps) const {
  return EncodeTime(key) + steps * StepTime(key, /*rows=*/1) + DecodeTime(key);
}

bool CostModel::Knows(const BatchKey& key) const {
  MutexLock lock(mutex_);
  const auto found = sizes_.find(SizeClassOf(key));
  return found != sizes_.end() && found->second.steps > 0;
}

std::size_t CostModel::BatchCap(const BatchKey& key) const { return BatchCaps()(key); }

std::function<std::size_t(const BatchKey&)> CostModel::BatchCaps() const {
  return [caps = CapsBySize()](const BatchKey& key) -> std::size_t {
    const auto found = caps.find(SizeClassOf(key));
    return found == caps.end() ? 1 : found->second;
  };
}

double CostModel::Speedup() const {
  MutexLock lock(mutex_);
  return std::max(speedup_, 1.0);
}

template <typename Known>
const CostModel::SizeClass* CostModel::Nearest(const BatchKey& key, Known known) const {
  const int wanted = SizeClassOf(key);
  const SizeClass* nearest = nullptr;
  int least_distance = 0;
  for (const auto& [index, size] : sizes_) {
    const int distance = std::abs(index - wanted);
    if (!known(size) || (nearest != nullptr && distance >= least_distance)) continue;
    nearest = &size;
    least_distance = distance;
  }
  return nearest;
}

std::map<int, std::size_t> CostModel::CapsBySize() const {
  MutexLock lock(mutex_);
  std::map<int, std::size_t> caps;
  std::size_t most = max_batch_;
  for (const auto& [index, size] : sizes_) {
    // What does not fit for small pictures does not fit for larger ones.
    most = std::min({most, size.memory_limit, MaxRowsInMemory(size)});
    caps.emplace(index, CapOf(size, most));
  }
  return caps;
}

std::size_t CostModel::MaxRowsInMemory(const SizeClass& size) const {
  if (row_bytes_ == nullptr) return kMaxBatch;
  const std::int64_t rows = memory_bytes_ / std::max<std::int64_t>(row_bytes_(size.key), 1);
  return static_cast<std::size_t>(std::clamp<std::int64_t>(rows, 1, kMaxBatch));
}

// Climbs 1, 2, 4, ... to `most` for as long as it gets better.
std::size_t CostModel::CapOf(const SizeClass& size, std::size_t most) {
  double best = 0;  // Seconds of a row, of the batches climbed so far.
  std::size_t top = 1;
  bool climbing = true;
  while (climbing) {
    if (size.step[top].samples < kSamplesWanted) return top;
    const double cost = size.step[top].least;
    climbing = top < most && (top == 1 || cost * kLeastProgress < best);
    best = top == 1 ? cost : std::min(best, cost);
    if (climbing) top = std::min(2 * top, most);
  }
  std::size_t cap = 1;
  while (cap < top && size.step[cap].least > kWorthwhileGain * best) {
    cap = std::min(2 * cap, most);
  }
  if (size.steps % kStepsBetweenTrials == 0) return std::min(2 * cap, most);
  return cap;
}

}  // namespace upscaler
