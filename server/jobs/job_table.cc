#include "server/jobs/job_table.h"

#include <algorithm>
#include <chrono>

namespace upscaler {

SystemTime JobTable::CreateTime(SystemTime now) {
  // The clock may have been put back since, and the entry of last_time_ may have gone.
  const bool later = last_time_ < now;
  last_time_ = later ? now : last_time_ + std::chrono::nanoseconds(1);
  return last_time_;
}

bool JobTable::Add(const std::shared_ptr<Job>& job) {
  const Job::Origin& origin = job->origin();
  if (!entries_.try_emplace(origin.create_time, Entry{.job = job}).second) return false;
  last_time_ = std::max(last_time_, origin.create_time);
  by_id_[origin.id] = job;
  if (!origin.request_id.empty()) by_request_[RequestOf(*job)] = job;
  ++holdings_[origin.caller].jobs;
  return true;
}

std::shared_ptr<Job> JobTable::Find(const std::string& caller, const std::string& id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  return found->second->origin().caller == caller ? found->second : nullptr;
}

std::shared_ptr<Job> JobTable::FindRequest(const std::string& caller,
                                           const std::string& request_id) const {
  const auto found = by_request_.find({caller, request_id});
  return found == by_request_.end() ? nullptr : found->second;
}

bool JobTable::Contains(const Job& job) const {
  const auto found = entries_.find(job.origin().create_time);
  return found != entries_.end() && found->second.job.get() == &job;
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
  if (!Contains(job)) return;
  Entry& entry = entries_[job.origin().create_time];
  const std::int64_t more = bytes - entry.bytes;
  entry.bytes = bytes;
  holdings_[job.origin().caller].bytes += more;
  bytes_ += more;
}

void JobTable::MarkEnded(const Job& job, SystemTime expire_time) {
  if (!Contains(job)) return;
  Entry& entry = entries_[job.origin().create_time];
  entry.expire_time = expire_time;
  if (entry.end_number.has_value()) return;
  entry.end_number = next_end_number_++;
  holdings_[job.origin().caller].ended.emplace(*entry.end_number, entry.job);
}

void JobTable::FreeRequestId(const Job& job) {
  const auto found = by_request_.find(RequestOf(job));
  if (found != by_request_.end() && found->second.get() == &job) by_request_.erase(found);
}

void JobTable::Remove(const Job& job) {
  if (!Contains(job)) return;
  const Entry entry = std::move(entries_[job.origin().create_time]);  // Keeps the job here.
  entries_.erase(job.origin().create_time);
  by_id_.erase(job.origin().id);
  FreeRequestId(job);
  bytes_ -= entry.bytes;
  const auto holding = holdings_.find(job.origin().caller);
  if (entry.end_number.has_value()) holding->second.ended.erase(*entry.end_number);
  holding->second.bytes -= entry.bytes;
  if (--holding->second.jobs == 0) holdings_.erase(holding);
}

void JobTable::Retire(const Job& job) {
  if (!Contains(job)) return;
  gone_.Add(job.origin().caller, job.origin().id);
  Remove(job);
}

std::vector<std::shared_ptr<Job>> JobTable::TakeExpired(SystemTime now) {
  std::vector<std::shared_ptr<Job>> taken;
  for (const auto& [time, entry] : entries_) {
    if (entry.end_number.has_value() && entry.expire_time <= now) taken.push_back(entry.job);
  }
  for (const std::shared_ptr<Job>& job : taken) Retire(*job);
  return taken;
}

std::vector<std::shared_ptr<Job>> JobTable::TakeBeyond(std::size_t jobs) {
  std::vector<std::shared_ptr<Job>> taken;
  while (bytes_ > limits_.bytes || entries_.size() > jobs) {
    std::shared_ptr<Job> job = FirstToGo();
    if (job == nullptr) break;
    Retire(*job);
    taken.push_back(std::move(job));
  }
  return taken;
}

std::shared_ptr<Job> JobTable::FirstToGo() const {
  const bool by_bytes = bytes_ > limits_.bytes;
  // Of two who have the same, the one whose job ended first.
  const auto rank = [by_bytes](const Holding& holding) {
    const auto jobs = static_cast<std::int64_t>(holding.jobs);
    return std::pair(by_bytes ? holding.bytes : jobs, -holding.ended.begin()->first);
  };
  const Holding* largest = nullptr;
  // There are as many callers as keys that are in use: few.
  for (const auto& [caller, holding] : holdings_) {
    if (holding.ended.empty()) continue;
    if (largest == nullptr || rank(holding) > rank(*largest)) largest = &holding;
  }
  return largest == nullptr ? nullptr : largest->ended.begin()->second;
}

JobTable::Request JobTable::RequestOf(const Job& job) {
  return {job.origin().caller, job.origin().request_id};
}

}  // namespace upscaler
