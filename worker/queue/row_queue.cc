#include "worker/queue/row_queue.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "common/error_details.h"

namespace upscaler {
namespace {

// The virtual time at which a new row with so much work would end.
double FairFinishOf(TimePoint::duration work, double virtual_time) {
  return virtual_time + std::chrono::duration<double>(work).count();
}

}  // namespace

RowQueue::~RowQueue() {
  std::vector<Departure> departures;
  {
    MutexLock lock(mutex_);
    assert(idle_replicas_ == 0);
    departures = TakeAll(DrainingError());
  }
  Answer(std::move(departures));
}

void RowQueue::Push(std::vector<Row> rows) {
  std::vector<Departure> departures;
  {
    MutexLock lock(mutex_);
    for (Row& row : rows) {
      row.id = ++last_id_;
      row.queued_at = clock_.Now();
      row.fair_finish = fair_share_.Enter(row.work);
      waiting_work_ += row.work;
      rows_.push_back(std::move(row));
    }
    departures = Welcome();
  }
  Answer(std::move(departures));
}

void RowQueue::Return(Row row, TimePoint::duration left) {
  std::vector<Departure> departures;
  {
    MutexLock lock(mutex_);
    TakeBegun(left, row.work_is_guess);
    waiting_work_ += row.work;
    fair_share_.Enter(row.work - left);  // What has to be done again takes its share too.
    rows_.push_back(std::move(row));
    departures = Welcome();
  }
  Answer(std::move(departures));
}

std::vector<RowQueue::Departure> RowQueue::Welcome() {
  changed_.notify_all();
  if (abandoned_.ok()) return {};
  return TakeAll(abandoned_);
}

NextStep RowQueue::AwaitStep(std::span<const BegunRow> begun, std::size_t max_begun,
                             const BatchRule& rule) {
  while (true) {
    std::vector<Departure> departures;
    NextStep next;
    bool closed = false;
    {
      MutexLock lock(mutex_);
      if (begun.empty()) {
        ++idle_replicas_;
        while (rows_.empty() && !closed_) lock.Wait(changed_);
        --idle_replicas_;
      }
      departures = TakeDeparted();
      next = Choose(begun, max_begun, rule);
      closed = closed_ && rows_.empty();
    }
    Answer(std::move(departures));
    if (!next.empty() || closed || !begun.empty()) return next;
  }
}

NextStep RowQueue::Choose(std::span<const BegunRow> begun, std::size_t max_begun,
                          const BatchRule& rule) {
  std::vector<Candidate> candidates;
  candidates.reserve(begun.size() + rows_.size());
  std::vector<std::size_t> ready;  // Of the begun rows those that could take a step.
  for (std::size_t i = 0; i < begun.size(); ++i) {
    if (begun[i].encoding) continue;
    candidates.push_back({.row = begun[i].row, .course = begun[i].course, .begun = true});
    ready.push_back(i);
  }
  std::vector<std::list<Row>::iterator> waiting;
  if (begun.size() < max_begun) {
    for (auto row = rows_.begin(); row != rows_.end(); ++row) {
      candidates.push_back({.row = &*row});
      waiting.push_back(row);
    }
  }

  NextStep next;
  std::size_t room = max_begun - std::min(begun.size(), max_begun);
  for (const std::size_t index : ChooseBatch(candidates, rule,
                                             {.now = clock_.Now(),
                                             .virtual_time = fair_share_.virtual_time(),
                                             .idle_replicas = idle_replicas_})) {
    if (index < ready.size()) {
      next.begun.push_back(ready[index]);
    } else if (room > 0) {
      --room;
      const auto row = waiting[index - ready.size()];
      waiting_work_ -= row->work;
      begun_work_ += row->work;
      if (row->work_is_guess) begun_guesses_ += row->work;
      next.joining.push_back(std::move(*row));
      rows_.erase(row);
    }
  }
  return next;
}

void RowQueue::Serve(TimePoint::duration work, bool guess) {
  MutexLock lock(mutex_);
  TakeBegun(work, guess);
  fair_share_.Serve(work);
}

void RowQueue::End(const Row& row, TimePoint::duration left) {
  MutexLock lock(mutex_);
  TakeBegun(left, row.work_is_guess);
  fair_share_.Leave(row.fair_finish, left);
}

void RowQueue::TakeBegun(TimePoint::duration work, bool guess) {
  begun_work_ -= work;
  if (guess) begun_guesses_ -= work;
}

void RowQueue::DropDeparted() {
  std::vector<Departure> departures;
  {
    MutexLock lock(mutex_);
    departures = TakeDeparted();
  }
  Answer(std::move(departures));
}

void RowQueue::Abandon(const absl::Status& status) {
  std::vector<Departure> departures;
  {
    MutexLock lock(mutex_);
    abandoned_ = status;
    departures = TakeAll(status);
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
  return rows_.size();
}

TimePoint::duration RowQueue::oldest_age() const {
  MutexLock lock(mutex_);
  TimePoint oldest = clock_.Now();
  for (const Row& row : rows_) oldest = std::min(oldest, row.queued_at);
  return clock_.Now() - oldest;
}

TimePoint::duration RowQueue::work_ahead() const {
  MutexLock lock(mutex_);
  return waiting_work_ + begun_work_;
}

TimePoint::duration RowQueue::WorkBefore(TimePoint::duration work) const {
  MutexLock lock(mutex_);
  const double finish = FairFinishOf(work, fair_share_.virtual_time());
  TimePoint::duration before = begun_work_ - begun_guesses_;
  for (const Row& row : rows_) {
    if (row.fair_finish <= finish && !row.work_is_guess) before += row.work;
  }
  return before;
}

void RowQueue::TellPlaces() {
  std::vector<std::pair<std::shared_ptr<const RowPlaceListener>, RowPlace>> places;
  {
    MutexLock lock(mutex_);
    std::vector<const Row*> rows;
    for (const Row& row : rows_) rows.push_back(&row);
    // Those that came first go first where all else is equal.
    std::ranges::stable_sort(rows, {}, &Row::fair_finish);
    RowPlace place{.work_ahead = begun_work_ - begun_guesses_};
    for (const Row* row : rows) {
      if (row->place != nullptr) places.emplace_back(row->place, place);
      ++place.rows_ahead;
      if (!row->work_is_guess) place.work_ahead += row->work;
    }
  }
  for (const auto& [listener, place] : places) (*listener)(place);
}

std::size_t RowQueue::RowsBefore(TimePoint::duration work) const {
  MutexLock lock(mutex_);
  const double finish = FairFinishOf(work, fair_share_.virtual_time());
  return static_cast<std::size_t>(
      std::ranges::count_if(rows_, [&](const Row& row) { return row.fair_finish <= finish; }));
}

std::size_t RowQueue::idle_replicas() const {
  MutexLock lock(mutex_);
  return idle_replicas_;
}

double RowQueue::virtual_time() const {
  MutexLock lock(mutex_);
  return fair_share_.virtual_time();
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
    Forget(departures.back().row);
    row = rows_.erase(row);
  }
  return departures;
}

std::vector<RowQueue::Departure> RowQueue::TakeAll(const absl::Status& status) {
  std::vector<Departure> departures;
  for (Row& row : rows_) {
    Forget(row);
    departures.push_back({std::move(row), status});
  }
  rows_.clear();
  return departures;
}

void RowQueue::Forget(const Row& row) {
  waiting_work_ -= row.work;
  fair_share_.Leave(row.fair_finish, row.work);
}

void RowQueue::Answer(std::vector<Departure> departures) {
  for (Departure& departure : departures) {
    std::move(departure.row.reply).Send(std::move(departure.status));
  }
}

}  // namespace upscaler
