#include "tests/support/delay_engine.h"

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <utility>

namespace upscaler::test {
namespace {

absl::Status BrokenError() { return absl::UnavailableError("the engine is broken"); }

void Spend(const EngineScript& script, const BatchKey& key, TimePoint::duration time) {
  const std::chrono::duration<double> scaled =
      std::chrono::duration<double>(time) * script.scale(key);
  if (scaled > scaled.zero()) {
    script.pass_time(std::chrono::duration_cast<TimePoint::duration>(scaled));
  }
}

bool KeepsRule(int side, const SideRule& rule) {
  return side >= rule.minimum && side % rule.multiple == 0;
}

}  // namespace

DelayEngine::~DelayEngine() {
  for (std::size_t i = 0; i < rows_.size(); ++i) script_.OnDrop();
}

absl::StatusOr<Intake> DelayEngine::Admit(RowId id, const RowSpec& spec) {
  const Call call(*this);
  if (rows_.contains(id)) return Breach("a row was taken in twice");
  if (!KeepsRule(spec.picture->width, script_.sides) ||
      !KeepsRule(spec.picture->height, script_.sides)) {
    return Breach("a picture's sides break the rule");
  }
  if (broken_) return BrokenError();
  Spend(script_, BatchKeyOf(spec), script_.encode);
  if (absl::Status status = script_.OnAdmit(spec); !status.ok()) {
    broken_ = absl::IsUnavailable(status);
    return status;
  }
  rows_.emplace(id, RowInside{.spec = spec});
  Intake intake;
  intake.vae_encode = script_.encode;
  intake.text_cache_misses = 1;
  if (spec.prompt == kTooLongPrompt) intake.warnings = {"the prompt was cut"};
  return intake;
}

absl::StatusOr<std::vector<absl::Status>> DelayEngine::Step(std::span<const RowId> rows) {
  const Call call(*this);
  if (std::string breach = BreachOf(rows); !breach.empty()) return Breach(std::move(breach));
  std::vector<Script::RowStep> steps;
  Script::Seeds seeds;
  for (const RowId id : rows) {
    const RowInside& row = rows_.at(id);
    steps.push_back({.seed = row.spec.seed, .step = row.steps_done + 1});
    seeds.push_back(row.spec.seed);
  }
  script_.before_step(seeds);
  if (broken_) return BrokenError();
  Script::PassOutcome outcome = script_.OnPass(steps);
  if (!outcome.whole.ok()) {
    broken_ = absl::IsUnavailable(outcome.whole);
    return outcome.whole;
  }
  Spend(script_, BatchKeyOf(rows_.at(rows.front()).spec), script_.step(rows.size()));
  for (const RowId id : rows) ++rows_.at(id).steps_done;
  return std::move(outcome.rows);
}

Engine::Decoding DelayEngine::Finish(RowId id) {
  const Call call(*this);
  const auto found = rows_.find(id);
  if (found == rows_.end() || found->second.steps_done != found->second.spec.steps) {
    return [error = Breach("a row was finished that is not done")]() -> absl::StatusOr<Image> {
      return error;
    };
  }
  RowSpec spec = std::move(found->second.spec);
  rows_.erase(found);
  script_.OnFinish();
  return [&script = script_, spec = std::move(spec)]() -> absl::StatusOr<Image> {
    Spend(script, BatchKeyOf(spec), script.decode);
    if (absl::Status status = script.OnDecoding(spec.seed); !status.ok()) return status;
    return Doubled(*spec.picture);
  };
}

void DelayEngine::Drop(RowId id) {
  const Call call(*this);
  if (rows_.erase(id) > 0) script_.OnDrop();
}

std::int64_t DelayEngine::RowBytes(const BatchKey& key) const {
  return script_.row_bytes * key.width * key.height;
}

Image DelayEngine::Doubled(const Image& image) {
  Image doubled{.width = 2 * image.width, .height = 2 * image.height, .pixels = {}};
  doubled.pixels.reserve(4 * image.pixels.size());
  for (int y = 0; y < doubled.height; ++y) {
    for (int x = 0; x < doubled.width; ++x) {
      const auto pixel = static_cast<std::size_t>(y / 2 * image.width + x / 2);
      for (std::size_t c = 0; c < Image::kChannels; ++c) {
        doubled.pixels.push_back(image.pixels[pixel * Image::kChannels + c]);
      }
    }
  }
  return doubled;
}

std::string DelayEngine::BreachOf(std::span<const RowId> rows) const {
  if (rows.empty()) return "a step of no rows";
  if (std::set(rows.begin(), rows.end()).size() != rows.size()) {
    return "a row was stepped twice in one pass";
  }
  for (const RowId id : rows) {
    const auto found = rows_.find(id);
    if (found == rows_.end()) return "a row was stepped that is not here";
    const RowSpec& spec = found->second.spec;
    if (found->second.steps_done == spec.steps) return "a row was stepped that is done";
    if (BatchKeyOf(spec) != BatchKeyOf(rows_.at(rows.front()).spec)) {
      return "rows of several keys were stepped together";
    }
  }
  return "";
}

absl::Status DelayEngine::Breach(std::string what) {
  absl::Status status = absl::InternalError(what);
  script_.OnBreach(std::move(what));
  return status;
}

DelayEngine::Call::Call(DelayEngine& engine) : engine_(engine) {
  if (engine_.busy_.exchange(true)) engine_.script_.OnBreach("two threads were in one engine");
}

}  // namespace upscaler::test
