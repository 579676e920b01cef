#include "server/jobs/gone_jobs.h"

namespace upscaler {

void GoneJobs::Add(const std::string& caller, const std::string& id) {
  if (!callers_.emplace(id, caller).second) return;
  ids_.push_back(id);
  if (ids_.size() <= capacity_) return;
  callers_.erase(ids_.front());
  ids_.pop_front();
}

bool GoneJobs::Contains(const std::string& caller, const std::string& id) const {
  const auto found = callers_.find(id);
  return found != callers_.end() && found->second == caller;
}

}  // namespace upscaler
