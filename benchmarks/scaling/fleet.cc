#include "benchmarks/scaling/fleet.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <absl/status/status.h>

#include "client/retry.h"

namespace upscaler::benchmark {

Fleet::Fleet(const Costs& costs, const Options& options)
    : costs_(costs), options_(options), random_(options.seed) {
  if (options.autoscaler.has_value()) autoscaler_.emplace(*options.autoscaler);
}

FleetReport Fleet::Run(const std::vector<TimePoint>& arrivals) {
  for (std::size_t i = 0; i < options_.servers; ++i) StartServer(TimePoint::duration::zero());
  left_ = arrivals.size();
  for (const TimePoint arrival : arrivals) report_.outcomes.push_back({.arrival = arrival});
  AwaitPicture(0);
  agenda_.At(agenda_.Now() + kStatePeriod, [this] { NoteState(); });
  if (autoscaler_.has_value()) {
    agenda_.At(agenda_.Now() + Autoscaler::kPeriod, [this] { Scale(); });
  }
  agenda_.Run();

  for (const auto& member : members_) {
    if (member->phase != Phase::kEnded) {
      report_.server_time += TimePoint() + report_.elapsed - member->started;
    }
    report_.busy += member->server->busy();
  }
  return std::move(report_);
}

void Fleet::AwaitPicture(std::size_t picture) {
  if (picture == report_.outcomes.size()) return;
  agenda_.At(report_.outcomes[picture].arrival, [this, picture] {
    AwaitPicture(picture + 1);
    Send(picture, /*attempts=*/0);
  });
}

void Fleet::StartServer(TimePoint::duration start) {
  members_.push_back(std::make_unique<Member>(Member{.started = agenda_.Now(), .server = nullptr}));
  Member& member = *members_.back();
  const auto answered = [this, &member](std::size_t picture, TimePoint::duration wait) {
    OnAnswer(member, picture, wait);
  };
  member.server = std::make_unique<SimulatedServer>(costs_, options_.server, agenda_, answered);
  const auto become_ready = [&member] {
    if (member.phase == Phase::kStarting) member.phase = Phase::kReady;
  };
  if (start == start.zero()) {
    become_ready();
  } else {
    agenda_.At(agenda_.Now() + start, become_ready);
  }
}

void Fleet::EndServer() {
  for (const Phase phase : {Phase::kStarting, Phase::kReady}) {
    // The one that was started last.
    const auto found = std::find_if(members_.rbegin(), members_.rend(),
                                    [phase](const auto& one) { return one->phase == phase; });
    if (found == members_.rend()) continue;
    Member& member = **found;
    member.phase = Phase::kEnding;
    EndIfIdle(member);
    return;
  }
}

void Fleet::EndIfIdle(Member& member) {
  if (member.phase != Phase::kEnding || member.server->rows() > 0) return;
  member.phase = Phase::kEnded;
  report_.server_time += agenda_.Now() - member.started;
}

void Fleet::Send(std::size_t picture, int attempts) {
  Member* const member = NextReady();
  const absl::Status status = member == nullptr ? absl::UnavailableError("no server is ready")
                                                : member->server->Offer(picture, options_.steps);
  if (status.ok()) return;
  ++attempts;
  ++report_.outcomes[picture].refusals;
  const auto delay = RetryDelay(RetryOptions{}, status, attempts, /*time_left=*/std::nullopt,
                                std::uniform_real_distribution<double>()(random_));
  if (!delay.has_value()) return OnPictureGone();
  agenda_.At(agenda_.Now() + *delay, [this, picture, attempts] { Send(picture, attempts); });
}

void Fleet::OnAnswer(Member& member, std::size_t picture, TimePoint::duration wait) {
  Outcome& outcome = report_.outcomes[picture];
  ++outcome.answers;
  outcome.latency = agenda_.Now() - outcome.arrival;
  outcome.wait = wait;
  EndIfIdle(member);
  OnPictureGone();
}

void Fleet::OnPictureGone() {
  assert(left_ > 0);
  --left_;
  report_.elapsed = agenda_.Now() - TimePoint();
}

void Fleet::Scale() {
  const std::size_t servers = Count(Phase::kStarting) + Count(Phase::kReady);
  const std::size_t desired =
      autoscaler_->Desired(agenda_.Now(), static_cast<double>(ReadyRows()), servers);
  for (std::size_t i = servers; i < desired; ++i)
    StartServer(costs_.start.value_or(TimePoint::duration::zero()));
  for (std::size_t i = desired; i < servers; ++i) EndServer();
  if (left_ > 0) agenda_.At(agenda_.Now() + Autoscaler::kPeriod, [this] { Scale(); });
}

void Fleet::NoteState() {
  report_.states.push_back({.moment = agenda_.Now(),
                            .ready = Count(Phase::kReady),
                            .starting = Count(Phase::kStarting),
                            .rows = ReadyRows()});
  if (left_ > 0) agenda_.At(agenda_.Now() + kStatePeriod, [this] { NoteState(); });
}

Fleet::Member* Fleet::NextReady() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    turn_ = (turn_ + 1) % members_.size();
    if (members_[turn_]->phase == Phase::kReady) return members_[turn_].get();
  }
  return nullptr;
}

std::size_t Fleet::Count(Phase phase) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [&](const auto& member) { return member->phase == phase; }));
}

std::size_t Fleet::ReadyRows() const {
  std::size_t rows = 0;
  for (const auto& member : members_) {
    if (member->phase == Phase::kReady) rows += member->server->rows();
  }
  return rows;
}

}  // namespace upscaler::benchmark
