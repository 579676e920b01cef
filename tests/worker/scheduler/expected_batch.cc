#include "tests/worker/scheduler/expected_batch.h"

#include <algorithm>
#include <span>
#include <tuple>

namespace upscaler::test {
namespace {

using Entry = RowAccounts::value_type;

// Rank, place within the rank, age.
using Order = std::tuple<int, double, std::uint64_t>;

Order OrderOf(const Entry& row, const Boundary& boundary) {
  const auto& [seed, account] = row;
  if (account.fair_finish <= boundary.virtual_time) return {0, account.fair_finish, seed};
  const TimePoint::duration needed =
      account.Left(account.work - account.decoding) + account.decoding;
  const TimePoint::duration left = account.deadline - boundary.now;
  if (account.deadline != TimePoint::max() && needed <= left && left <= 2 * needed) {
    return {1, std::chrono::duration<double>(left).count(), seed};
  }
  return {2, account.fair_finish, seed};
}

bool MayShare(const RowAccount& account, const RowAccount& best, Batching batching) {
  if (account.key != best.key || batching == Batching::kNone) return false;
  return batching == Batching::kFill || account.spec.prompt == best.spec.prompt;
}

}  // namespace

std::vector<std::uint64_t> ExpectedBatch(const RowAccounts& rows, const Boundary& boundary) {
  std::vector<const Entry*> candidates;
  std::size_t begun = 0;
  for (const Entry& row : rows) {
    const auto& [seed, account] = row;
    if (!account.IsWithin(boundary.loop) || !account.IsLive(boundary.now)) continue;
    if (account.place == RowAccount::Place::kBegun) ++begun;
    const int encodings_left = account.encodings_left - (seed == boundary.encoded ? 1 : 0);
    if (encodings_left <= 0) candidates.push_back(&row);
  }
  const auto waits = [](const Entry* row) {
    return row->second.place == RowAccount::Place::kWaiting;
  };
  if (begun >= boundary.most_begun) std::erase_if(candidates, waits);
  if (candidates.empty()) return {};

  const auto order = [&](const Entry* row) { return OrderOf(*row, boundary); };
  std::ranges::sort(candidates, {}, order);
  const RowAccount& best = candidates.front()->second;
  std::vector<const Entry*> batch = {candidates.front()};
  std::vector<const Entry*> fillers;
  for (const Entry* row : std::span(candidates).subspan(1)) {
    if (!MayShare(row->second, best, boundary.batching)) continue;
    const bool is_overdue = std::get<int>(order(row)) == 0;
    (is_overdue || row->second.spec.prompt == best.spec.prompt ? batch : fillers).push_back(row);
  }
  batch.insert(batch.end(), fillers.begin(), fillers.end());
  std::vector<const Entry*> passes;
  for (const Entry* row : batch) {
    const int tiles = waits(row) ? 1 : row->second.tiles_left();
    passes.insert(passes.end(), static_cast<std::size_t>(tiles), row);
  }
  passes.resize(std::min(passes.size(), boundary.cap(best.key)));

  std::vector<std::uint64_t> seeds;
  std::size_t room = boundary.most_begun - std::min(begun, boundary.most_begun);
  for (const Entry* row : passes) {
    if (waits(row)) {
      if (room == 0) continue;
      --room;
    }
    seeds.push_back(row->first);
  }
  return seeds;
}

}  // namespace upscaler::test
