#include "worker/queue/batch_policy.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace upscaler {
namespace {

// How much longer than alone a row may take beside others before its deadline is
// in danger.
constexpr int kCompany = 2;

bool IsOverdue(const Candidate& candidate, const Moment& moment) {
  return candidate.row->fair_finish <= moment.virtual_time;
}

// Whether the row can still meet its deadline, but not if it waits.
bool IsUrgent(const Candidate& candidate, const Moment& moment) {
  if (candidate.row->deadline == TimePoint::max()) return false;
  const TimePoint::duration left = candidate.row->deadline - moment.now;
  const TimePoint::duration needed = TimeLeft(*candidate.row, candidate.course);
  return needed <= left && left <= kCompany * needed;
}

enum class Rank { kOverdue, kUrgent, kFair };

Rank RankOf(const Candidate& candidate, const Moment& moment) {
  if (IsOverdue(candidate, moment)) return Rank::kOverdue;
  if (IsUrgent(candidate, moment)) return Rank::kUrgent;
  return Rank::kFair;
}

std::size_t PassesOf(const Candidate& candidate) {
  return static_cast<std::size_t>(candidate.course.tiles_left());
}

// How many passes of the `fitting` candidates may share the step: the rule's bound, and
// where others idle, no more than a fair part, but always those of rows that have begun.
std::size_t PassesToTake(std::span<const Candidate> candidates,
                         std::span<const std::size_t> fitting, std::size_t max_rows,
                         std::size_t idle_replicas) {
  std::size_t all = 0;
  std::size_t begun = 0;
  for (const std::size_t index : fitting) {
    all += PassesOf(candidates[index]);
    if (candidates[index].begun) begun += PassesOf(candidates[index]);
  }
  const std::size_t replicas = 1 + idle_replicas;
  const std::size_t part = (all + replicas - 1) / replicas;
  return std::min({max_rows, std::max(part, begun), all});
}

}  // namespace

bool GoesBefore(const Candidate& a, const Candidate& b, const Moment& moment) {
  const Rank rank_a = RankOf(a, moment);
  const Rank rank_b = RankOf(b, moment);
  if (rank_a != rank_b) return rank_a < rank_b;
  if (rank_a == Rank::kUrgent) {
    return std::tie(a.row->deadline, a.row->id) < std::tie(b.row->deadline, b.row->id);
  }
  return std::tie(a.row->fair_finish, a.row->id) < std::tie(b.row->fair_finish, b.row->id);
}

std::vector<std::size_t> ChooseBatch(std::span<const Candidate> candidates, const BatchRule& rule,
                                     const Moment& moment) {
  if (candidates.empty()) return {};
  const auto best = std::ranges::min_element(
      candidates, [&](const auto& a, const auto& b) { return GoesBefore(a, b, moment); });
  const BatchKey key = BatchKeyOf(best->row->spec);
  const std::string& prompt = best->row->spec.prompt;

  std::vector<std::size_t> fitting;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const RowSpec& spec = candidates[i].row->spec;
    const bool shares = rule.batching == Batching::kFill ||
                        (rule.batching == Batching::kSamePrompt && spec.prompt == prompt);
    const bool is_best = &candidates[i] == &*best;
    if (is_best || (shares && BatchKeyOf(spec) == key)) fitting.push_back(i);
  }

  // The best one's prompt first, but never past a row that has waited too long.
  const auto group = [&](const Candidate& candidate) {
    return IsOverdue(candidate, moment) || candidate.row->spec.prompt == prompt ? 0 : 1;
  };
  std::ranges::sort(fitting, [&](std::size_t a, std::size_t b) {
    const int group_a = group(candidates[a]);
    const int group_b = group(candidates[b]);
    if (group_a != group_b) return group_a < group_b;
    return GoesBefore(candidates[a], candidates[b], moment);
  });
  const std::size_t room =
      PassesToTake(candidates, fitting, rule.max_rows(key), moment.idle_replicas);
  std::vector<std::size_t> passes;
  passes.reserve(room);
  for (const std::size_t index : fitting) {
    passes.insert(passes.end(), std::min(PassesOf(candidates[index]), room - passes.size()), index);
  }
  return passes;
}

}  // namespace upscaler
