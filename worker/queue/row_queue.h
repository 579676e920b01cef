// Where rows wait for a replica.
//
// The queue is the service's only buffer, and it is bounded: when it is full a
// request is refused at once, rather than left to grow old in memory. A request
// reserves its places before its picture is decoded, so that the bound holds
// for pictures on their way to the queue too. Every row that is pushed gets
// exactly one answer, whatever becomes of it (see Reply).

#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "worker/queue/row.h"

namespace upscaler {

class RowQueue;

// Places in a queue that are held for rows still to come. Given back when the
// reservation ends without a Push. Move-only. Must not outlive its queue.
class Reservation {
 public:
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&&) = delete;
  ~Reservation();

  std::size_t places() const { return places_; }

 private:
  friend class RowQueue;
  Reservation(RowQueue& queue, std::size_t places) : queue_(&queue), places_(places) {}

  RowQueue* queue_;  // Null once the places were used or moved from.
  std::size_t places_;
};

// Thread-safe. Replies are always sent without the lock held, so a receiver may
// call back into the queue.
class RowQueue {
 public:
  // `clock` must outlive the queue. Requires capacity > 0.
  RowQueue(std::size_t capacity, const Clock& clock);

  // Answers what is left kUnavailable. Reservations must have ended, and no
  // thread may be waiting.
  ~RowQueue();

  RowQueue(const RowQueue&) = delete;
  RowQueue& operator=(const RowQueue&) = delete;

  // Holds `places` places, all or none. kResourceExhausted when fewer are free,
  // kUnavailable once the queue is closed, kInvalidArgument when there are not
  // so many in all. Never blocks.
  absl::StatusOr<Reservation> Reserve(std::size_t places) ABSL_LOCKS_EXCLUDED(mutex_);

  // Turns reserved places into waiting rows, also when the queue was closed
  // since: what was admitted is finished. Requires rows.size() ==
  // reservation.places(). Never blocks.
  void Push(Reservation reservation, std::vector<Row> rows) ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits for rows, then takes the oldest and others of its key, at most
  // `max_rows` in all: those with its prompt first, then any; each group oldest
  // first. It does not wait for the batch to fill. Rows that were cancelled or
  // are past their deadline are answered so on the way.
  //
  // Returns an empty batch only when the queue is closed and nothing is waiting
  // or reserved, which is how a replica learns that it may stop. Requires
  // max_rows > 0.
  std::vector<Row> AwaitBatch(std::size_t max_rows) ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes rows that may join a running batch of `key`, in the same order, with
  // `prompt` going first; never waits. Takes nothing while the oldest row is of
  // another key: joining would let one key starve the others.
  std::vector<Row> TakeJoining(const BatchKey& key, const std::string& prompt, std::size_t max_rows)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes out the rows that were cancelled or are past their deadline and
  // answers them, so that their places are free at once.
  void DropDeparted() ABSL_LOCKS_EXCLUDED(mutex_);

  // Refuses further reservations; what was admitted is still handed out. May be
  // called more than once.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

  std::size_t capacity() const { return capacity_; }
  // Places taken: rows waiting and places reserved.
  std::size_t depth() const ABSL_LOCKS_EXCLUDED(mutex_);
  // How many threads are waiting in AwaitBatch.
  std::size_t idle_replicas() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class Reservation;

  // A row that leaves without having run, and what it is told.
  struct Departure {
    Row row;
    absl::Status status;
  };

  void Release(std::size_t places) ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<Departure> TakeDeparted() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Row> TakeRows(const BatchKey& key, const std::string& prompt, std::size_t max_rows)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Answer(std::vector<Departure> departures);

  const std::size_t capacity_;
  const Clock& clock_;

  mutable Mutex mutex_;
  std::condition_variable changed_;  // Rows arrived, places were released, or the queue closed.

  // Oldest first. A list, because a batch is taken out of the middle.
  std::list<Row> rows_ ABSL_GUARDED_BY(mutex_);
  std::size_t reserved_ ABSL_GUARDED_BY(mutex_) = 0;
  RowId last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t idle_replicas_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace upscaler
