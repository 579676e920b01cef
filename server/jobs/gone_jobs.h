// Which jobs there were, so that whoever asks for one that is gone hears that, and not that
// there never was one.

#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>

namespace upscaler {

// Not thread-safe: the table's, which the store guards.
class GoneJobs {
 public:
  // Remembers so many, the latest.
  explicit GoneJobs(std::size_t capacity) : capacity_(capacity) {}

  // The job is gone. Ids are never the same.
  void Add(const std::string& caller, const std::string& id);

  // Whether the caller had such a job, as far as that is remembered.
  bool Contains(const std::string& caller, const std::string& id) const;

 private:
  const std::size_t capacity_;
  std::unordered_map<std::string, std::string> callers_;  // By the job's id.
  std::deque<std::string> ids_;                           // The first to be forgotten first.
};

}  // namespace upscaler
