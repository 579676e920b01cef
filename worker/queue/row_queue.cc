#include "worker/queue/row_queue.h"

#include <cassert>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

// When to try again at a full queue. Places come free one by one, so there is
// no moment worth waiting for beyond a short pause.
constexpr std::chrono::seconds kRetryPause{1};

absl::Status DrainingError() {
  return WithRetryAfter(
      WithReason(absl::UnavailableError("the server is shutting down"), "DRAINING"), kRetryPause);
}

}  // namespace

Reservation::Reservation(Reservation&& other) noexcept
    : queue_(std::exchange(other.queue_, nullptr)), places_(other.places_) {}

Reservation::~Reservation() {
  if (queue_ != nullptr) queue_->Release(places_);
}

RowQueue::RowQueue(std::size_t capacity, const Clock& clock) : capacity_(capacity), clock_(clock) {}

RowQueue::~RowQueue() {
  std::vector<Departure> departures;
  {
    MutexLock lock(mutex_);
    assert(reserved_ == 0 && idle_replicas_ == 0);
    for (Row& row : rows_) departures.push_back({std::move(row), DrainingError()});
    rows_.clear();
  }
  Answer(std::move(departures));
}

absl::StatusOr<Reservation> RowQueue::Reserve(std::size_t places) {
  if (places > capacity_) {
    return absl::InvalidArgumentError(fmt::format(
        "the request needs {} places in the queue, which has {} in all", places, capacity_));
  }
  MutexLock lock(mutex_);
  if (closed_) return DrainingError();
  const std::size_t taken = rows_.size() + reserved_;
  if (taken + places > capacity_) {
    absl::Status refusal = absl::ResourceExhaustedError(fmt::format(
        "the queue is full: {} of {} places are taken, wanted {}", taken, capacity_, places));
    return WithRetryAfter(WithReason(std::move(refusal), "QUEUE_FULL"), kRetryPause);
  }
  reserved_ += places;
  return Reservation(*this, places);
}

void RowQueue::Push(Reservation reservation, std::vector<Row> rows) {
  assert(reservation.queue_ == this && reservation.places() == rows.size());
  reservation.queue_ = nullptr;  // The places become rows.
  MutexLock lock(mutex_);
  reserved_ -= rows.size();
  const TimePoint now = clock_.Now();
  for (Row& row : rows) {
    row.id = ++last_id_;
    row.queued_at = now;
    rows_.push_back(std::move(row));
  }
  changed_.notify_all();
}

std::vector<Row> RowQueue::AwaitBatch(std::size_t max_rows) {
  while (true) {
    std::vector<Departure> departures;
    std::vector<Row> batch;
    {
      MutexLock lock(mutex_);
      ++idle_replicas_;
      while (rows_.empty() && !(closed_ && reserved_ == 0)) lock.Wait(changed_);
      --idle_replicas_;
      if (rows_.empty()) return {};
      departures = TakeDeparted();
      if (!rows_.empty()) {
        // Copies, since the oldest row is among those taken.
        const BatchKey key = BatchKeyOf(rows_.front().spec);
        const std::string prompt = rows_.front().spec.prompt;
        batch = TakeRows(key, prompt, max_rows);
      }
    }
    Answer(std::move(departures));
    if (!batch.empty()) return batch;
  }
}

std::vector<Row> RowQueue::TakeJoining(const BatchKey& key, const std::string& prompt,
                                       std::size_t max_rows) {
  std::vector<Departure> departures;
  std::vector<Row> joining;
  {
    MutexLock lock(mutex_);
    departures = TakeDeparted();
    if (!rows_.empty() && BatchKeyOf(rows_.front().spec) == key) {
      joining = TakeRows(key, prompt, max_rows);
    }
  }
  Answer(std::move(departures));
  return joining;
}

void RowQueue::DropDeparted() {
  std::vector<Departure> departures;
  {
    MutexLock lock(mutex_);
    departures = TakeDeparted();
  }
  Answer(std::move(departures));
}

void RowQueue::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::size_t RowQueue::depth() const {
  MutexLock lock(mutex_);
  return rows_.size() + reserved_;
}

std::size_t RowQueue::idle_replicas() const {
  MutexLock lock(mutex_);
  return idle_replicas_;
}

void RowQueue::Release(std::size_t places) {
  MutexLock lock(mutex_);
  reserved_ -= places;
  changed_.notify_all();  // A closed queue may be drained now.
}

std::vector<RowQueue::Departure> RowQueue::TakeDeparted() {
  const TimePoint now = clock_.Now();
  std::vector<Departure> departures;
  for (auto row = rows_.begin(); row != rows_.end();) {
    std::optional<absl::Status> status = DepartureOf(*row, now);
    if (!status.has_value()) {
      ++row;
      continue;
    }
    departures.push_back({std::move(*row), *std::move(status)});
    row = rows_.erase(row);
  }
  return departures;
}

std::vector<Row> RowQueue::TakeRows(const BatchKey& key, const std::string& prompt,
                                    std::size_t max_rows) {
  std::vector<Row> taken;
  for (const bool same_prompt : {true, false}) {
    for (auto row = rows_.begin(); row != rows_.end() && taken.size() < max_rows;) {
      const bool fits = BatchKeyOf(row->spec) == key && (row->spec.prompt == prompt) == same_prompt;
      const auto next = std::next(row);
      if (fits) {
        taken.push_back(std::move(*row));
        rows_.erase(row);
      }
      row = next;
    }
  }
  return taken;
}

void RowQueue::Answer(std::vector<Departure> departures) {
  for (Departure& departure : departures) {
    std::move(departure.row.reply).Send(std::move(departure.status));
  }
}

}  // namespace upscaler
