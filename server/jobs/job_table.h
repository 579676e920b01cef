// Which jobs there are, how they are found again, and which of them have to go.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/jobs/gone_jobs.h"
#include "server/jobs/job.h"
#include "server/jobs/system_time.h"

namespace upscaler {

// Not thread-safe: the store guards it. It never asks a job how it stands, which would be
// a second lock, but is told. What it is told of a job that is not here is ignored.
class JobTable {
 public:
  struct Limits {
    std::size_t jobs = 10'000;                   // Of all kinds.
    std::int64_t bytes = std::int64_t{1} << 30;  // Of those that have ended.
    std::size_t gone_jobs = 10'000;              // Remembered, when they are gone.
  };

  explicit JobTable(const Limits& limits) : limits_(limits), gone_(limits.gone_jobs) {}

  // When a job that is created now was created: later than any that was here, so that no two
  // jobs have the same time and a time says where a page of them begins.
  SystemTime CreateTime(SystemTime now);

  // Adds a job, to which its request_id then leads. False, and nothing is added, where
  // another has its create_time.
  bool Add(const std::shared_ptr<Job>& job);

  // Null where there is none, or none of this caller's.
  std::shared_ptr<Job> Find(const std::string& caller, const std::string& id) const;
  std::shared_ptr<Job> FindRequest(const std::string& caller, const std::string& request_id) const;
  bool Contains(const Job& job) const;

  // Those of `caller` that were created before `begin`, newest first.
  std::vector<std::shared_ptr<Job>> NewestFirst(const std::string& caller, SystemTime begin) const;

  // The job takes so many bytes.
  void Charge(const Job& job, std::int64_t bytes);
  // It has ended, and may be kept until `expire_time`.
  void MarkEnded(const Job& job, SystemTime expire_time);
  // Another job may have its request_id.
  void FreeRequestId(const Job& job);

  // As if it had never been here.
  void Remove(const Job& job);
  // Removes it, and remembers that it was here.
  void Retire(const Job& job);
  // Whether the caller had such a job that was retired, as far as that is remembered.
  bool IsRetired(const std::string& caller, const std::string& id) const {
    return gone_.Contains(caller, id);
  }
  // Retires those whose time is over.
  std::vector<std::shared_ptr<Job>> TakeExpired(SystemTime now);
  // Retires jobs that have ended, as long as there are any and too many bytes, or more than
  // `jobs` jobs: of the caller who has most of what there is too much of, the one that ended
  // first. So a caller who keeps much costs the others nothing.
  std::vector<std::shared_ptr<Job>> TakeBeyond(std::size_t jobs);

  std::size_t size() const { return entries_.size(); }
  std::int64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::shared_ptr<Job> job;
    std::int64_t bytes = 0;
    // Set when it has ended.
    std::optional<std::int64_t> end_number = std::nullopt;
    SystemTime expire_time{};
  };
  using Request = std::pair<std::string, std::string>;  // The caller and its name for it.

  // What a caller has here. There is one of those alone who have a job.
  struct Holding {
    std::size_t jobs = 0;
    std::int64_t bytes = 0;
    std::map<std::int64_t, std::shared_ptr<Job>> ended = {};  // In the order of their ends.
  };

  static Request RequestOf(const Job& job);
  // The job that has to go first. Null if none has ended.
  std::shared_ptr<Job> FirstToGo() const;

  const Limits limits_;
  std::map<SystemTime, Entry, std::greater<>> entries_;  // By their create_time.
  std::unordered_map<std::string, std::shared_ptr<Job>> by_id_;
  std::map<Request, std::shared_ptr<Job>> by_request_;
  std::unordered_map<std::string, Holding> holdings_;  // By the caller.
  GoneJobs gone_;
  SystemTime last_time_ = SystemTime::min();  // No entry was ever later.
  std::int64_t next_end_number_ = 0;
  std::int64_t bytes_ = 0;  // Of all entries.
};

}  // namespace upscaler
