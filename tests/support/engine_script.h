// What engines without a model are to do, and what they were seen to do.
//
// The engines belong to the code under test, where a test cannot reach them, and may
// break and be replaced. So a test talks to them through this, which stays.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "worker/imaging/latents.h"
#include "worker/imaging/padding.h"
#include "worker/queue/row.h"

namespace upscaler::test {

// Thread-safe, except for what is said to be set beforehand. Rows are named by their seeds;
// a row's steps, their tiles, and the parts of its encoding are counted from 1.
class EngineScript {
 public:
  using Seeds = std::vector<std::uint64_t>;
  static constexpr int kAlways = std::numeric_limits<int>::max();

  // A pass over a row.
  struct RowStep {
    std::uint64_t seed = 0;
    int step = 1;
    int tile = 1;

    auto operator<=>(const RowStep&) const = default;
  };

  // A part of a row's encoding.
  struct RowPart {
    std::uint64_t seed = 0;
    int part = 1;

    auto operator<=>(const RowPart&) const = default;
  };

  // Set beforehand: how long things take, of rows done in tiles each tile. A pass that fails
  // as a whole takes no time.
  TimePoint::duration encode{};
  std::function<TimePoint::duration(std::size_t rows)> step = [](std::size_t /*rows*/) {
    return TimePoint::duration::zero();
  };
  TimePoint::duration decode{};
  // How many times as long they take for pictures of a key.
  std::function<double(const BatchKey&)> scale = [](const BatchKey& /*key*/) { return 1.0; };
  // Lets time pass: FakeClock::Advance in tests, sleeping in benchmarks.
  std::function<void(TimePoint::duration)> pass_time = [](TimePoint::duration /*time*/) {};

  // Set beforehand: called before each pass with the seeds of its rows, and before each part
  // of an encoding, on the thread that steps.
  std::function<void(const Seeds&)> before_step = [](const Seeds& /*seeds*/) {};
  std::function<void(const RowPart&)> before_part = [](const RowPart& /*part*/) {};

  // Set beforehand: what the engine and the model ask for and what the device has.
  bool wants_one_thread = false;
  SideRule sides{};
  LatentsRule latents{};
  std::int64_t row_bytes = 1;
  std::int64_t free_bytes = std::numeric_limits<std::int64_t>::max();

  // Set beforehand: whether pictures that are done in tiles are encoded in as many parts,
  // after their intake.
  bool encodes_in_parts = true;

  // Passes over the row fail as a whole at this step, so many times: kInternal is what an
  // exception comes to, kResourceExhausted what want of memory does, and kUnavailable
  // breaks the engine.
  void FailPass(const RowStep& at, absl::Status error, int times = kAlways);
  // From this step on it is the row alone that fails: kInternal for latents that are not
  // finite.
  void FailRow(const RowStep& at, absl::Status error);
  // The row is not taken in, so many times; kUnavailable breaks the engine.
  void FailAdmit(std::uint64_t seed, absl::Status error, int times = kAlways);
  // This part of the row's picture is not encoded, so many times; kUnavailable breaks the
  // engine.
  void FailEncoding(const RowPart& at, absl::Status error, int times = kAlways);
  // The finished row is not decoded, or, where it is done in tiles, no band of it.
  void FailDecoding(std::uint64_t seed, absl::Status error);
  // Passes over more rows or tiles, or the intake of larger pictures or tiles, find no
  // memory.
  void LimitRows(std::size_t rows);
  void LimitPixels(std::int64_t pixels);

  // The next pass over the row at this step, or every decoding, hangs until it is released.
  void HangPass(const RowStep& at);
  void HangDecodings();
  // Lets everything that hangs go on, and nothing hang any more.
  void Release();
  // Waits until so many calls hang.
  void AwaitHanging(std::size_t calls = 1);

  // The seeds of the rows of each pass in order, once for each tile, failed passes too; of
  // long runs, the latest kPassesKept.
  std::vector<Seeds> passes() const;
  // The same, and forgets them.
  std::vector<Seeds> TakePasses();
  static constexpr std::size_t kPassesKept = 4096;

  // Rows that were ever taken in, and that were ever finished.
  std::size_t admitted() const;
  std::size_t finished() const;
  // Rows that were taken in and neither finished nor dropped.
  std::size_t rows_inside() const;
  // What the engines were asked that the seam forbids, in words: nothing, if all is well.
  std::vector<std::string> breaches() const;

  // For the engines: something happens, and what comes of it.
  struct PassOutcome {
    absl::Status whole;              // Of the pass.
    std::vector<absl::Status> rows;  // Of each row, if that is OK.
  };
  absl::Status OnAdmit(const RowSpec& spec);
  absl::Status OnEncode(const RowPart& part);
  PassOutcome OnPass(std::span<const RowStep> rows);
  absl::Status OnDecoding(std::uint64_t seed);
  void OnFinish();
  void OnDrop();
  void OnBreach(std::string what);

 private:
  // A fault that happens so many times more.
  struct Fault {
    absl::Status error;
    int times = kAlways;
  };

  // The fault's error, or OK where there is none. Counts it down.
  template <typename Key>
  static absl::Status Strike(std::map<Key, Fault>& faults, const Key& key);
  void Hang(MutexLock& lock) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::condition_variable changed_;  // Something hangs, or is released.

  std::map<RowStep, Fault> pass_faults_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::pair<RowStep, absl::Status>> row_faults_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Fault> admit_faults_ ABSL_GUARDED_BY(mutex_);
  std::map<RowPart, Fault> encoding_faults_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Fault> decoding_faults_ ABSL_GUARDED_BY(mutex_);
  std::size_t max_rows_ ABSL_GUARDED_BY(mutex_) = std::numeric_limits<std::size_t>::max();
  std::int64_t max_pixels_ ABSL_GUARDED_BY(mutex_) = std::numeric_limits<std::int64_t>::max();

  std::set<RowStep> hanging_passes_ ABSL_GUARDED_BY(mutex_);
  bool decodings_hang_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t hanging_ ABSL_GUARDED_BY(mutex_) = 0;
  int releases_ ABSL_GUARDED_BY(mutex_) = 0;

  std::deque<Seeds> passes_ ABSL_GUARDED_BY(mutex_);
  std::size_t admitted_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t finished_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> breaches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler::test
