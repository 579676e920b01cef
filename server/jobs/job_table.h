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

#include "server/jobs/job.h"
#include "server/jobs/system_time.h"

namespace upscaler {

// Not thread-safe: the store guards it. It never asks a job how it stands, which would be
// a second lock, but is told.
class JobTable {
 public:
  struct Limits {
    std::size_t jobs = 10'000;                   // Of all kinds.
    std::int64_t bytes = std::int64_t{1} << 30;  // Of those that have ended.
  };

  explicit JobTable(const Limits& limits) : limits_(limits) {}

  // When a job that is created now was created: later than any other, so that no two jobs
  // have the same time and a time says where a page of them begins.
  SystemTime CreateTime(SystemTime now) const;

  // Adds a job whose create_time is no other's. The request_id then leads to it.
  void Add(std::shared_ptr<Job> job);

  // Null where there is none, or none of this caller's.
  std::shared_ptr<Job> Find(const std::string& caller, const std::string& id) const;
  std::shared_ptr<Job> FindRequest(const std::string& caller, const std::string& request_id) const;
  bool Contains(const Job& job) const { return entries_.contains(job.origin().create_time); }

  // Those of `caller` that were created before `begin`, newest first.
  std::vector<std::shared_ptr<Job>> NewestFirst(const std::string& caller, SystemTime begin) const;

  // The job takes so many bytes. Requires that it is here.
  void Charge(const Job& job, std::int64_t bytes);
  // It has ended, and may be kept until `expire_time`. Requires that it is here.
  void MarkEnded(const Job& job, SystemTime expire_time);
  // Another job may have its request_id. Requires that it is here.
  void FreeRequestId(const Job& job);

  void Remove(const Job& job);
  // Removes those whose time is over.
  std::vector<std::shared_ptr<Job>> TakeExpired(SystemTime now);
  // Removes those that ended first, as long as there are too many bytes, or more than
  // `jobs` jobs, and any that have ended.
  std::vector<std::shared_ptr<Job>> TakeBeyond(std::size_t jobs);

  const Limits& limits() const { return limits_; }
  std::size_t size() const { return entries_.size(); }
  std::int64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::shared_ptr<Job> job;
    std::int64_t bytes = 0;
    // Set when it has ended.
    std::optional<std::uint64_t> end_number = std::nullopt;
    SystemTime expire_time{};
  };
  using Request = std::pair<std::string, std::string>;  // The caller and its name for it.

  static Request RequestOf(const Job& job);

  const Limits limits_;
  std::map<SystemTime, Entry, std::greater<>> entries_;  // By their create_time.
  std::unordered_map<std::string, SystemTime> by_id_;
  std::map<Request, SystemTime> by_request_;
  std::map<std::uint64_t, SystemTime> ended_;  // In the order in which they ended.
  std::uint64_t next_end_number_ = 0;
  std::int64_t bytes_ = 0;  // Of all entries.
};

}  // namespace upscaler
