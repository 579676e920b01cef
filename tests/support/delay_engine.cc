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

std::size_t Area(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

// One latent for each block of pixels, in every channel: the red of its first pixel.
Latents ToLatents(const Image& image, const LatentsRule& rule) {
  Latents latents{.channels = rule.channels,
                  .height = image.height / rule.reduction,
                  .width = image.width / rule.reduction,
                  .reduction = rule.reduction,
                  .values = {}};
  for (int c = 0; c < latents.channels; ++c) {
    for (int y = 0; y < latents.height; ++y) {
      for (int x = 0; x < latents.width; ++x) {
        const auto pixel =
            static_cast<std::size_t>(y * rule.reduction * image.width + x * rule.reduction);
        latents.values.push_back(image.pixels[pixel * Image::kChannels]);
      }
    }
  }
  return latents;
}

// The first channel as grey, each latent as a block of pixels.
Image ToImage(const Latents& latents) {
  Image image{.width = latents.picture_width(), .height = latents.picture_height(), .pixels = {}};
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const auto from =
          static_cast<std::size_t>(y / latents.reduction * latents.width + x / latents.reduction);
      const auto grey = static_cast<std::uint8_t>(latents.values[from]);
      image.pixels.insert(image.pixels.end(), Image::kChannels, grey);
    }
  }
  return image;
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
  if ((spec.picture != nullptr) == (spec.latents != nullptr)) {
    return Breach("a row brings a picture and latents, or neither");
  }
  const BatchKey key = BatchKeyOf(spec);
  if (!KeepsRule(key.width, script_.sides) || !KeepsRule(key.height, script_.sides)) {
    return Breach("a picture's sides break the rule");
  }
  if (broken_) return BrokenError();
  Spend(script_, key, script_.encode);
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

absl::StatusOr<Image> DelayEngine::Preview(RowId id) {
  const Call call(*this);
  const auto found = rows_.find(id);
  if (found == rows_.end() || found->second.steps_done == 0 ||
      found->second.spec.preview_count == 0) {
    return Breach("a preview of a row that has none");
  }
  if (broken_) return BrokenError();
  return PreviewOf(BatchKeyOf(found->second.spec), script_.latents, found->second.steps_done);
}

Engine::Decoding DelayEngine::Finish(RowId id) {
  const Call call(*this);
  const auto found = rows_.find(id);
  if (found == rows_.end() || found->second.steps_done != found->second.spec.steps) {
    return [error = Breach("a row was finished that is not done")]() -> absl::StatusOr<RowOutput> {
      return error;
    };
  }
  RowSpec spec = std::move(found->second.spec);
  rows_.erase(found);
  script_.OnFinish();
  return [&script = script_, spec = std::move(spec)]() -> absl::StatusOr<RowOutput> {
    Spend(script, BatchKeyOf(spec), script.decode);
    if (absl::Status status = script.OnDecoding(spec.seed); !status.ok()) return status;
    if (spec.latents_wanted) {
      return Doubled(spec.latents == nullptr ? ToLatents(*spec.picture, script.latents)
                                             : *spec.latents);
    }
    return Doubled(spec.picture == nullptr ? ToImage(*spec.latents) : *spec.picture);
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

Latents DelayEngine::Doubled(const Latents& latents) {
  Latents doubled{.channels = latents.channels,
                  .height = 2 * latents.height,
                  .width = 2 * latents.width,
                  .reduction = latents.reduction,
                  .values = {}};
  for (int c = 0; c < doubled.channels; ++c) {
    for (int y = 0; y < doubled.height; ++y) {
      for (int x = 0; x < doubled.width; ++x) {
        const auto from =
            static_cast<std::size_t>((c * latents.height + y / 2) * latents.width + x / 2);
        doubled.values.push_back(latents.values[from]);
      }
    }
  }
  return doubled;
}

Image DelayEngine::PreviewOf(const BatchKey& key, const LatentsRule& rule, int steps_done) {
  const int width = 2 * key.width / rule.reduction;
  const int height = 2 * key.height / rule.reduction;
  return {.width = width,
          .height = height,
          .pixels = std::vector<std::uint8_t>(Area(width, height) * Image::kChannels,
                                              static_cast<std::uint8_t>(10 * steps_done))};
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
