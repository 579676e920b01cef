#include "server/access/access_control.h"

#include <utility>
#include <vector>

#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

std::vector<std::string> NamesOf(const ApiKeys& keys) {
  std::vector<std::string> names;
  for (const ApiKey& key : keys.all()) names.push_back(key.name);
  return names;
}

}  // namespace

AccessPass::AccessPass(std::string caller, QuotaUse& use)
    : caller_(std::move(caller)), use_(&use) {}

AccessPass::AccessPass(AccessPass&& other) noexcept
    : caller_(std::move(other.caller_)), use_(std::exchange(other.use_, nullptr)) {}

AccessPass& AccessPass::operator=(AccessPass&& other) noexcept {
  // The place that was held goes back with what is left in `other`.
  std::swap(caller_, other.caller_);
  std::swap(use_, other.use_);
  return *this;
}

AccessPass::~AccessPass() {
  if (use_ != nullptr) use_->Leave(caller_);
}

AccessControl::AccessControl(const Clock& clock) : use_(clock) {}

AccessControl::AccessControl(AccessOptions options, KeyFile file, ApiKeys keys, const Clock& clock)
    : options_(std::move(options)),
      use_(clock),
      keys_(std::make_shared<const ApiKeys>(std::move(keys))) {
  watch_.emplace(
      std::move(file), [this](absl::StatusOr<ApiKeys> news) { TakeUp(std::move(news)); },
      options_.watch_interval);
}

AccessControl::~AccessControl() = default;

absl::StatusOr<std::unique_ptr<AccessControl>> AccessControl::Open(AccessOptions options,
                                                                   const Clock& clock) {
  if (options.keys_file.empty()) return std::make_unique<AccessControl>(clock);
  KeyFile file(options.keys_file);
  // The first reading is always news.
  UPSCALER_ASSIGN_OR_RETURN(ApiKeys keys, *file.ReadIfChanged());
  // Not make_unique: the constructor is private.
  return std::unique_ptr<AccessControl>(
      new AccessControl(std::move(options), std::move(file), std::move(keys), clock));
}

absl::StatusOr<AccessPass> AccessControl::Enter(std::optional<std::string_view> key) {
  UPSCALER_ASSIGN_OR_RETURN(std::optional<Caller> caller, Find(key));
  if (!caller.has_value()) return AccessPass();
  UPSCALER_RETURN_IF_ERROR(use_.Enter(caller->name, caller->quota));
  return AccessPass(std::move(caller->name), use_);
}

absl::StatusOr<std::string> AccessControl::Identify(std::optional<std::string_view> key) const {
  UPSCALER_ASSIGN_OR_RETURN(std::optional<Caller> caller, Find(key));
  return caller.has_value() ? std::move(caller->name) : std::string();
}

absl::StatusOr<std::optional<AccessControl::Caller>> AccessControl::Find(
    std::optional<std::string_view> key) const {
  std::shared_ptr<const ApiKeys> keys;
  {
    const MutexLock lock(mutex_);
    keys = keys_;
  }
  if (keys == nullptr) return std::optional<Caller>();
  if (!key.has_value() || key->empty()) {
    return WithReason(absl::UnauthenticatedError(
                          "an API key is needed: authorization: Bearer KEY, or x-api-key: KEY"),
                      "API_KEY_MISSING");
  }
  const ApiKey* const found = keys->Find(*key);
  if (found == nullptr) {
    return WithReason(absl::UnauthenticatedError("the API key is not known here"),
                      "API_KEY_UNKNOWN");
  }
  return Caller{.name = found->name, .quota = found->QuotaOr(options_.default_quota)};
}

void AccessControl::TakeUp(absl::StatusOr<ApiKeys> keys) {
  absl::StatusOr<std::size_t> outcome(std::size_t{0});
  if (keys.ok()) {
    auto taken = std::make_shared<const ApiKeys>(*std::move(keys));
    outcome = taken->all().size();
    const std::vector<std::string> names = NamesOf(*taken);
    {
      const MutexLock lock(mutex_);
      keys_ = std::move(taken);
    }
    use_.KeepOnly(names);
  } else {
    outcome = keys.status();
  }
  if (options_.on_reload) options_.on_reload(outcome);
}

}  // namespace upscaler
