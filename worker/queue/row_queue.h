// Where admitted rows wait for a replica, and where it is decided who goes next.
//
// Waiting rows are common to all replicas. A replica that stands at a step boundary
// asks for its next step, naming the rows that it has begun; the answer says which of
// these to step and which waiting rows to take with them. Every row that is pushed gets
// exactly one answer, whatever becomes of it (see Reply).

#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <span>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "worker/queue/batch_policy.h"
#include "worker/queue/fair_share.h"
#include "worker/queue/row.h"

namespace upscaler {

// A row that a replica has begun.
struct BegunRow {
  const Row* row = nullptr;
  RowCourse course{};
  bool encoding = false;  // It takes no step yet.
};

// What a replica does next. Empty only when nothing waits and the queue is closed or all
// the begun rows are being encoded.
struct NextStep {
  // Which of the begun rows take the step, by index: each once for every pass that it
  // takes, one after the other.
  std::vector<std::size_t> begun;
  std::vector<Row> joining;  // And which new ones.

  bool empty() const { return begun.empty() && joining.empty(); }
};

// Thread-safe. Replies are always sent without the lock held, so a receiver may
// call back into the queue.
class RowQueue {
 public:
  // `clock` must outlive the queue.
  explicit RowQueue(const Clock& clock) : clock_(clock) {}

  // Answers what is left kUnavailable. No thread may be waiting.
  ~RowQueue();

  RowQueue(const RowQueue&) = delete;
  RowQueue& operator=(const RowQueue&) = delete;

  // Adds rows, which Admission has let in; once abandoned, answers them with what
  // was said then. Never blocks.
  void Push(std::vector<Row> rows) ABSL_LOCKS_EXCLUDED(mutex_);

  // Puts a row back that was begun, to be begun anew, `left` before its work was done.
  // It keeps its fair finish, and so its turn. Never blocks.
  void Return(Row row, TimePoint::duration left) ABSL_LOCKS_EXCLUDED(mutex_);

  // What a replica that has begun `begun` does next: see ChooseBatch. Begins no row
  // that would make more than `max_begun` of them. Waits for rows where there are none,
  // but not for others while one is being encoded. Waiting rows that were cancelled or
  // are past their deadline are answered so on the way.
  NextStep AwaitStep(std::span<const BegunRow> begun, std::size_t max_begun, const BatchRule& rule)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // A replica has done so much work, in device time of rows alone; a guess where it is
  // that of a row whose work is one.
  void Serve(TimePoint::duration work, bool guess = false) ABSL_LOCKS_EXCLUDED(mutex_);

  // A row that was begun has ended, `left` before its work was done.
  void End(const Row& row, TimePoint::duration left) ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes out the rows that were cancelled or are past their deadline and
  // answers them, so that their places are free at once.
  void DropDeparted() ABSL_LOCKS_EXCLUDED(mutex_);

  // Answers all that wait, and all that are pushed from now on, with `status`: no
  // replica is left, and none will come.
  void Abandon(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  // Nothing will be pushed any more; what waits is still handed out. May be called
  // more than once.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

  // Rows that wait for a replica.
  std::size_t depth() const ABSL_LOCKS_EXCLUDED(mutex_);
  // For how long the oldest one has waited; 0 where none does.
  TimePoint::duration oldest_age() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Work of the rows that wait or are begun, and has not been done.
  TimePoint::duration work_ahead() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The part of it that would be done before a new row with so much work, as far as that
  // is known: guesses count for nothing, since clients are refused by this number.
  TimePoint::duration WorkBefore(TimePoint::duration work) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Waiting rows that would go before a new row with so much work.
  std::size_t RowsBefore(TimePoint::duration work) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Tells the rows that wait where they stand, those that asked for it.
  void TellPlaces() ABSL_LOCKS_EXCLUDED(mutex_);

  // How many threads are waiting in AwaitStep.
  std::size_t idle_replicas() const ABSL_LOCKS_EXCLUDED(mutex_);
  // FairShare's.
  double virtual_time() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // A row that leaves without having run, and what it is told.
  struct Departure {
    Row row;
    absl::Status status;
  };

  // Wakes the replicas for rows that have come, or takes the rows out again if there
  // are no replicas any more.
  std::vector<Departure> Welcome() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  NextStep Choose(std::span<const BegunRow> begun, std::size_t max_begun, const BatchRule& rule)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Departure> TakeDeparted() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Departure> TakeAll(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // So much work of rows that are begun is done, or will not be.
  void TakeBegun(TimePoint::duration work, bool guess) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A waiting row ends.
  void Forget(const Row& row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Answer(std::vector<Departure> departures);

  const Clock& clock_;

  mutable Mutex mutex_;
  std::condition_variable changed_;  // Rows arrived, or the queue closed.

  // Oldest first. A list, because rows are taken out of the middle.
  std::list<Row> rows_ ABSL_GUARDED_BY(mutex_);
  FairShare fair_share_ ABSL_GUARDED_BY(mutex_);
  TimePoint::duration waiting_work_ ABSL_GUARDED_BY(mutex_){};
  TimePoint::duration begun_work_ ABSL_GUARDED_BY(mutex_){};
  TimePoint::duration begun_guesses_ ABSL_GUARDED_BY(mutex_){};  // The part that is guessed.
  RowId last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status abandoned_ ABSL_GUARDED_BY(mutex_);  // OK while there are replicas.
  std::size_t idle_replicas_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace upscaler
