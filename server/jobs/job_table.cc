#include "server/jobs/job_table.h"

#include <algorithm>
#include <chrono>

namespace upscaler {

SystemTime JobTable::CreateTime(SystemTime now) const {
  if (entries_.empty()) return now;
  return std::max(now, entries_.begin()->first + std::chrono::nanoseconds(1));
}

void JobTable::Add(std::shared_ptr<Job> job) {
  const SystemTime time = job->origin().create_time;
  by_id_[job->origin().id] = time;
  if (!job->origin().request_id.empty()) by_request_[RequestOf(*job)] = time;
  entries_[time] = {.job = std::move(job)};
}

std::shared_ptr<Job> JobTable::Find(const std::string& caller, const std::string& id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  const std::shared_ptr<Job>& job = entries_.at(found->second).job;
  return job->origin().caller == caller ? job : nullptr;
}

std::shared_ptr<Job> JobTable::FindRequest(const std::string& caller,
                                           const std::string& request_id) const {
  const auto found = by_request_.find({caller, request_id});
  return found == by_request_.end() ? nullptr : entries_.at(found->second).job;
}

std::vector<std::shared_ptr<Job>> JobTable::NewestFirst(const std::string& caller,
                                                        SystemTime begin) const {
  std::vector<std::shared_ptr<Job>> jobs;
  for (auto entry = entries_.upper_bound(begin); entry != entries_.end(); ++entry) {
    if (entry->second.job->origin().caller == caller) jobs.push_back(entry->second.job);
  }
  return jobs;
}

void JobTable::Charge(const Job& job, std::int64_t bytes) {
  Entry& entry = entries_.at(job.origin().create_time);
  bytes_ += bytes - entry.bytes;
  entry.bytes = bytes;
}

void JobTable::MarkEnded(const Job& job, SystemTime expire_time) {
  Entry& entry = entries_.at(job.origin().create_time);
  entry.end_number = next_end_number_++;
  entry.expire_time = expire_time;
  ended_[*entry.end_number] = job.origin().create_time;
}

void JobTable::FreeRequestId(const Job& job) {
  const auto found = by_request_.find(RequestOf(job));
  if (found != by_request_.end() && found->second == job.origin().create_time) {
    by_request_.erase(found);
  }
}

void JobTable::Remove(const Job& job) {
  const auto found = entries_.find(job.origin().create_time);
  if (found == entries_.end()) return;
  const Entry entry = std::move(found->second);
  entries_.erase(found);
  bytes_ -= entry.bytes;
  if (entry.end_number.has_value()) ended_.erase(*entry.end_number);
  by_id_.erase(job.origin().id);
  FreeRequestId(job);
}

std::vector<std::shared_ptr<Job>> JobTable::TakeExpired(SystemTime now) {
  std::vector<std::shared_ptr<Job>> taken;
  for (const auto& [number, time] : ended_) {
    const Entry& entry = entries_.at(time);
    if (entry.expire_time <= now) taken.push_back(entry.job);
  }
  for (const std::shared_ptr<Job>& job : taken) Remove(*job);
  return taken;
}

std::vector<std::shared_ptr<Job>> JobTable::TakeBeyond(std::size_t jobs) {
  std::vector<std::shared_ptr<Job>> taken;
  while (!ended_.empty() && (bytes_ > limits_.bytes || entries_.size() > jobs)) {
    taken.push_back(entries_.at(ended_.begin()->second).job);
    Remove(*taken.back());
  }
  return taken;
}

JobTable::Request JobTable::RequestOf(const Job& job) {
  return {job.origin().caller, job.origin().request_id};
}

}  // namespace upscaler
