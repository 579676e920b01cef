#include "worker/scheduler/replica.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include <absl/status/statusor.h>

namespace upscaler {

Replica::Replica(const SchedulerParts& parts, Options options, EngineSource& engines,
                 std::unique_ptr<Engine> engine, std::function<void()> on_gone)
    : parts_(parts),
      options_(std::move(options)),
      engines_(engines),
      on_gone_(std::move(on_gone)),
      one_thread_(engine->wants_one_thread()),
      pulses_(parts.clock),
      decoding_places_(static_cast<std::ptrdiff_t>(parts.costs.max_batch())),
      thread_([this, first = std::move(engine)](const std::stop_token& stop) mutable {
        Run(std::move(first), stop);
      }) {}

void Replica::Run(std::unique_ptr<Engine> engine, const std::stop_token& stop) {
  while (engine != nullptr) {
    state_ = State::kServing;
    parts_.observer.OnReplica(options_.device, true);
    const bool broken = Serve(std::move(engine));
    parts_.observer.OnReplica(options_.device, false);
    if (!broken) return;
    state_ = State::kRebuilding;
    AwaitDecodings();
    engine = Rebuild(stop);
  }
  state_ = State::kGone;
  on_gone_();
}

bool Replica::Serve(std::unique_ptr<Engine> engine) {
  StepLoop loop(
      parts_, {.device = options_.device, .batching = options_.batching}, std::move(engine),
      [this](EngineCall call) { Call(call); },
      [this](DecodingTask task) { Decode(std::move(task)); }, pulses_);
  while (true) {
    switch (loop.Run()) {
      case StepLoop::Outcome::kStepped:
        continue;
      case StepLoop::Outcome::kClosed:
        return false;
      case StepLoop::Outcome::kBroken:
        loop.GiveBack();
        return true;
    }
  }
}

std::unique_ptr<Engine> Replica::Rebuild(const std::stop_token& stop) {
  for (int attempt = 0; attempt < options_.rebuild_attempts && !stop.stop_requested(); ++attempt) {
    absl::StatusOr<std::unique_ptr<Engine>> engine;
    Call([&] { engine = engines_.Make(options_.device); });
    if (engine.ok()) return *std::move(engine);
    std::mutex nothing;
    std::unique_lock lock(nothing);
    std::condition_variable_any().wait_for(lock, stop, options_.rebuild_pause,
                                           [] { return false; });  // Sleeps, but for a stop.
  }
  return nullptr;
}

void Replica::Call(EngineCall call) {
  if (!one_thread_) return CallHere(call);
  computing_thread_.Call(call);
}

void Replica::Decode(DecodingTask task) {
  decoding_places_.acquire();
  computing_thread_.Add([this, decoding = std::move(task)]() mutable {
    std::move(decoding)();
    decoding = nullptr;  // What it holds goes before its place is free.
    decoding_places_.release();
  });
}

void Replica::AwaitDecodings() {
  const std::size_t places = parts_.costs.max_batch();
  for (std::size_t i = 0; i < places; ++i) decoding_places_.acquire();
  decoding_places_.release(static_cast<std::ptrdiff_t>(places));
}

ReplicaHealth Replica::health() const {
  switch (state_.load()) {
    case State::kGone:
      return ReplicaHealth::kGone;
    case State::kRebuilding:
      return ReplicaHealth::kRebuilding;
    case State::kServing:
      break;
  }
  switch (pulses_.state()) {
    case PulseState::kFine:
      return ReplicaHealth::kServing;
    case PulseState::kLate:
      return ReplicaHealth::kLate;
    case PulseState::kStuck:
      break;
  }
  return ReplicaHealth::kStuck;
}

}  // namespace upscaler
