// The scheduler without its threads, driven by random events, beside a plain account of what
// it should do.
//
// Everything runs on the test's thread and in a FakeClock's time, so that a run is the same
// every time for the same seed, and a million events take seconds.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/delay_engine.h"
#include "tests/support/fake_clock.h"
#include "tests/support/null_observer.h"
#include "tests/worker/scheduler/expected_batch.h"
#include "worker/queue/admission.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler::test {

// Not thread-safe.
class SchedulerModel {
 public:
  // What may happen. Chances are in percent: of the rows, or, for cancels, of the events.
  struct Plan {
    std::uint64_t seed = 1;
    int events = 100'000;
    std::size_t loops = 1;
    std::size_t max_batch = 8;
    std::size_t gaining = 4;  // So many rows a step are as fast as one.
    Batching batching = Batching::kFill;
    std::uint64_t deadlines = 0;
    std::uint64_t cancels = 0;
    std::uint64_t row_faults = 0;     // Of the kinds that concern one row.
    std::uint64_t engine_faults = 0;  // Engines that break.
    std::uint64_t tiled = 0;          // Done in tiles.
    bool encodes_in_parts = true;     // Those that are.
  };

  // What was seen.
  struct Report {
    std::size_t admitted = 0;
    std::size_t refused = 0;
    std::map<absl::StatusCode, std::size_t> answers;
    std::size_t passes = 0;
    std::size_t shared_passes = 0;  // Over several rows.
    std::size_t tiled_passes = 0;   // Over several tiles of a row, and others.
    std::size_t parts_encoded = 0;
    std::size_t engines_broken = 0;
    // Of the rows that ended well and never had to begin anew, in seconds of virtual time that
    // was served: by how much the longest stay was longer than the row's work, and than twice
    // its work.
    double most_beyond_work = 0;
    double most_beyond_double = 0;

    bool operator==(const Report&) const = default;
  };

  explicit SchedulerModel(const Plan& plan);

  // Lets `events` things happen, works off what is left, and has one more row come to see
  // that nothing stays behind. What is not as it should be fails the test.
  Report Run();

  // The work of a pass over a full batch of the largest pictures, and of the longest row, in
  // seconds.
  double full_pass() const;
  double longest_row() const;

 private:
  using Place = RowAccount::Place;

  void HappenAtRandom();
  void Submit();
  // A row that wants so many steps, and otherwise what chance says.
  RowAccount MakeAccount(int steps);
  // Admits and queues it, if there is room.
  void Push(RowAccount account);
  void PlanFaults(RowAccount& account);
  void CancelAtRandom();
  void DecodeAtRandom();
  // A step of the loop; false, and nothing happens, if it would wait.
  bool RunLoop(std::size_t loop);
  void MakeLoop(std::size_t loop);
  void WorkOff();

  void OnProgress(std::uint64_t seed, const RowAdvance& advance);
  // Moves the account as far as the row is said to have come.
  void Move(RowAccount& account, const RowAdvance& advance);
  // Asks for all bands of a picture, in case it comes so, and compares it.
  absl::Status CheckOutput(const RowAccount& account, const RowOutput& output);
  void OnAnswer(std::uint64_t seed, const absl::StatusOr<RowResult>& result);

  // Whether a departure is about to move virtual time, and so maybe the choice of `loop`.
  bool IsForeseeable(std::size_t loop) const;
  // The virtual time that passed because rows were served.
  double ServedTime() const { return queue_.virtual_time() - given_up_; }
  TimePoint::duration StepTime(const BatchKey& key, std::size_t rows) const;

  // The rows that `loop` has to encode, the first one first.
  std::vector<RowAccount*> RowsToEncode(std::size_t loop);
  // What becomes of the next part of a row.
  enum class Part { kNone, kEncoded, kFails, kBreaks };
  static Part NextPart(const RowAccount& account);
  // Of the rows that were chosen, those that then take a step. Engines that break as they
  // take a row in are counted down.
  std::vector<std::uint64_t> ExpectedPass(const std::vector<std::uint64_t>& batch);
  void CheckPasses(std::vector<std::uint64_t> expected);
  void CheckCounts();
  void CheckNothingStaysBehind();

  std::uint64_t Random(std::uint64_t below) { return random_() % below; }
  bool Chance(std::uint64_t percent) { return Random(100) < percent; }

  const Plan plan_;
  std::mt19937_64 random_;
  std::uint64_t last_seed_ = 0;
  std::uint64_t load_ = 10;  // Percent of the events that bring a row.
  std::size_t running_ = 0;  // The loop that runs.
  std::uint64_t begun_ = 0;  // Rows so far.
  bool decodes_at_once_ = false;
  RowAccounts rows_;  // Admitted and not answered.
  Report report_;
  // Virtual time that came to pass because rows ended before their time, without service.
  double given_up_ = 0;
  double last_virtual_time_ = 0;

  FakeClock clock_;
  NullObserver observer_;
  EngineScript script_;
  Admission admission_{{.rows = 64, .bytes = 1 << 20}};
  RowQueue queue_{clock_};
  CostModel costs_;
  SchedulerParts parts_{queue_, costs_, clock_, observer_};
  Pulses pulses_{clock_};
  std::vector<DecodingTask> decodings_;
  std::vector<std::unique_ptr<StepLoop>> loops_;
};

}  // namespace upscaler::test
