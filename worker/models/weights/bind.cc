#include "worker/models/weights/bind.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/status_macros.h"

namespace upscaler {
namespace {

// The module's tensors by name. The handles share their tensors with the module.
NamedTensors SlotsOf(const torch::nn::Module& module) {
  NamedTensors slots;
  for (const auto& slot : module.named_parameters()) slots.emplace(slot.key(), slot.value());
  for (const auto& slot : module.named_buffers()) slots.emplace(slot.key(), slot.value());
  return slots;
}

// Whether `stored` is `wanted` with axes of 1 at its end.
bool SameShape(at::IntArrayRef stored, at::IntArrayRef wanted) {
  if (stored.size() < wanted.size()) return false;
  const at::IntArrayRef rest = stored.slice(wanted.size());
  return stored.slice(0, wanted.size()) == wanted &&
         std::all_of(rest.begin(), rest.end(), [](std::int64_t axis) { return axis == 1; });
}

// What keeps `stored` from being bound to `slot`; "" if nothing does.
std::string Problem(std::string_view name, const at::Tensor& stored, const at::Tensor& slot) {
  if (!SameShape(stored.sizes(), slot.sizes())) {
    return fmt::format("tensor '{}' is [{}], wanted [{}]", name, fmt::join(stored.sizes(), ", "),
                       fmt::join(slot.sizes(), ", "));
  }
  if (!stored.is_floating_point()) {
    return fmt::format("tensor '{}' is {}, wanted a floating-point dtype", name,
                       c10::toString(stored.scalar_type()));
  }
  return "";
}

absl::Status Refusal(const Weights& weights, const std::vector<std::string>& problems) {
  constexpr std::size_t kShown = 5;
  const std::size_t shown = std::min(problems.size(), kShown);
  std::string text = fmt::format(
      "{}: {}", weights.folder.string(),
      fmt::join(problems.begin(), problems.begin() + static_cast<std::ptrdiff_t>(shown), "; "));
  if (shown < problems.size()) text += fmt::format("; and {} more", problems.size() - shown);
  return absl::FailedPreconditionError(text);
}

// Each slot's stored tensor, by the slot's name.
absl::StatusOr<std::map<std::string, const at::Tensor*>> Match(const Weights& weights,
                                                               RenameRule rename,
                                                               const NamedTensors& slots) {
  std::vector<std::string> problems;
  std::map<std::string, const at::Tensor*> matches;
  for (const auto& [stored_name, stored] : weights.tensors) {
    const auto name = rename(stored_name);
    if (!name) continue;
    const auto slot = slots.find(*name);
    if (slot == slots.end()) {
      problems.push_back(fmt::format("tensor '{}' is not known to the model", stored_name));
    } else if (!matches.emplace(*name, &stored).second) {
      problems.push_back(fmt::format("tensor '{}' is there under two names", *name));
    } else if (auto problem = Problem(stored_name, stored, slot->second); !problem.empty()) {
      problems.push_back(std::move(problem));
    }
  }
  for (const auto& [name, slot] : slots) {
    if (!matches.contains(name)) problems.push_back(fmt::format("tensor '{}' is missing", name));
  }
  if (!problems.empty()) return Refusal(weights, problems);
  return matches;
}

}  // namespace

absl::Status BindWeights(const Weights& weights, const BindOptions& options,
                         torch::nn::Module& module) {
  const NamedTensors slots = SlotsOf(module);
  UPSCALER_ASSIGN_OR_RETURN(const auto matches, Match(weights, options.rename, slots));
  for (const auto& [name, slot] : slots) {
    at::Tensor value = matches.at(name)->to(options.device, options.dtype).view(slot.sizes());
    // The module says how it wants its weights laid out: convolutions, channels last.
    value = value.contiguous(slot.suggest_memory_format());
    slot.set_requires_grad(false);
    slot.set_data(value);
  }
  return absl::OkStatus();
}

}  // namespace upscaler
