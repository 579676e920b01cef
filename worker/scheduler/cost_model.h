// What the model costs on this machine: measured at warm-up and ever after.
//
// From it come the batch cap (how many rows are worth stepping together), the
// estimates behind deadlines, retry times and fairness, and the patience of the
// liveness check. Nothing in it is guessed: what was not measured is scaled from the
// nearest size that was.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

#include <absl/base/thread_annotations.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "worker/queue/row.h"

namespace upscaler {

// Thread-safe.
class CostModel {
 public:
  // Requires 1 <= max_batch <= kMaxBatch.
  explicit CostModel(std::size_t max_batch);

  static constexpr std::size_t kMaxBatch = 64;

  // What was measured: a row's intake, a step of `rows` rows, a row's decoding. Of rows that
  // are done in tiles it is a tile that counts as one: the key is a tile's.
  void NoteEncode(const BatchKey& key, TimePoint::duration took) ABSL_LOCKS_EXCLUDED(mutex_);
  void NoteStep(const BatchKey& key, std::size_t rows, TimePoint::duration took)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void NoteDecode(const BatchKey& key, TimePoint::duration took) ABSL_LOCKS_EXCLUDED(mutex_);
  // More than `rows` rows of `key` do not fit in the device's memory.
  void NoteMemoryLimit(const BatchKey& key, std::size_t rows) ABSL_LOCKS_EXCLUDED(mutex_);

  // From now on the rows of a step take no more than `bytes` of a device's memory together, by
  // what `row_bytes` says of each; a row alone has its step in any case. `row_bytes` must be
  // thread-safe.
  void LimitMemory(std::function<std::int64_t(const BatchKey&)> row_bytes, std::int64_t bytes)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Estimates; 0 where nothing at all was measured.
  TimePoint::duration EncodeTime(const BatchKey& key) const ABSL_LOCKS_EXCLUDED(mutex_);
  TimePoint::duration StepTime(const BatchKey& key, std::size_t rows) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  TimePoint::duration DecodeTime(const BatchKey& key) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Of a row alone, from its intake to its pixels.
  TimePoint::duration RowTime(const BatchKey& key, int steps) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether steps of pictures of about this size were measured: if not, the estimates
  // are scaled from another size, and overhead makes small pictures look dear.
  bool Knows(const BatchKey& key) const ABSL_LOCKS_EXCLUDED(mutex_);

  // How many rows of `key` to step together, from 1 to max_batch: the smallest number
  // whose rows per second are within 5 % of the best, where memory allows it. While that is not
  // known for pictures of about this size, it is the number that has to be measured next, so that
  // the first steps of a new size find it out.
  std::size_t BatchCap(const BatchKey& key) const ABSL_LOCKS_EXCLUDED(mutex_);

  // BatchCap as it is at this moment, for whoever may not wait for a lock.
  std::function<std::size_t(const BatchKey&)> BatchCaps() const ABSL_LOCKS_EXCLUDED(mutex_);

  std::size_t max_batch() const { return max_batch_; }

  // How many times as fast as rows alone the rows of recent steps were done, at least 1:
  // what batching gains at present.
  double Speedup() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Seconds of one kind of work, per pixel and pass, so that sizes compare.
  struct Measure {
    double recent = 0;  // A moving average: what to expect.
    double least = 0;   // What it takes undisturbed: what to compare.
    int samples = 0;

    void Note(double seconds);
  };

  // What is known of pictures of about one size.
  struct SizeClass {
    Measure encode;
    Measure decode;
    std::array<Measure, kMaxBatch + 1> step;  // By rows; of one row.
    int steps = 0;                            // Measured in all.
    BatchKey key{};                           // Of the last one.
    std::size_t memory_limit = kMaxBatch;
  };

  // The nearest class of sizes that satisfies `known`, or null.
  template <typename Known>
  const SizeClass* Nearest(const BatchKey& key, Known known) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // BatchCap by the class of sizes, for those that were measured.
  std::map<int, std::size_t> CapsBySize() const ABSL_LOCKS_EXCLUDED(mutex_);
  // How many rows of about that size there is memory for, at least 1.
  std::size_t MaxRowsInMemory(const SizeClass& size) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // BatchCap where so many rows are the most.
  static std::size_t CapOf(const SizeClass& size, std::size_t most);

  const std::size_t max_batch_;  // See max_batch().

  mutable Mutex mutex_;
  double speedup_ ABSL_GUARDED_BY(mutex_) = 1;
  // See LimitMemory; null: no limit.
  std::function<std::int64_t(const BatchKey&)> row_bytes_ ABSL_GUARDED_BY(mutex_);
  std::int64_t memory_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<int, SizeClass> sizes_ ABSL_GUARDED_BY(mutex_);  // By the logarithm of the size.
};

}  // namespace upscaler
