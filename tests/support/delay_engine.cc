#include "tests/support/delay_engine.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
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

// With 8 bits a sample, whatever it has.
Image ToEightBits(const Image& image) {
  if (image.bits == 8) return image;
  Image narrow{.width = image.width, .height = image.height, .pixels = {}};
  for (std::size_t i = 0; i < image.pixels.size(); i += sizeof(std::uint16_t)) {
    std::uint16_t sample = 0;
    std::memcpy(&sample, &image.pixels[i], sizeof sample);
    narrow.pixels.push_back(static_cast<std::uint8_t>((sample + 128) / 257));
  }
  return narrow;
}

// What a row brings, as a picture.
Image PictureOf(const RowSpec& spec) {
  return spec.picture == nullptr ? ToImage(*spec.latents) : ToEightBits(*spec.picture);
}

bool KeepsRule(int side, const SideRule& rule) {
  return side >= rule.minimum && side % rule.multiple == 0;
}

// Of the whole picture.
BatchKey SizeOf(RowSpec spec) {
  spec.tile_side = 0;
  return BatchKeyOf(spec);
}

int TilesAlong(int side, int tile_side) {
  return tile_side == 0 ? 1 : (side + tile_side - 1) / tile_side;
}

// A finished picture in bands as high as its tiles.
class DelayedRows final : public PictureRows {
 public:
  DelayedRows(EngineScript& script, const RowSpec& spec, Image picture)
      : script_(script),
        key_(BatchKeyOf(spec)),
        seed_(spec.seed),
        tiles_(TilesAlong(SizeOf(spec).width, spec.tile_side)),
        band_height_(2 * key_.height),
        picture_(std::move(picture)) {}

  int width() const override { return picture_.width; }
  int height() const override { return picture_.height; }
  int bits() const override { return 8; }

  absl::StatusOr<Image> Next() override {
    Spend(script_, key_, script_.decode * tiles_);
    if (absl::Status status = script_.OnDecoding(seed_); !status.ok()) return status;
    const int band_height = std::min(band_height_, height() - done_);
    if (band_height == 0) {
      script_.OnBreach("rows were asked of a picture that has no more");
      return absl::InternalError("no rows left");
    }
    const std::size_t row = Image::kChannels * static_cast<std::size_t>(width());
    const auto begin = picture_.pixels.begin() +
                       static_cast<std::ptrdiff_t>(row * static_cast<std::size_t>(done_));
    done_ += band_height;
    return Image{.width = width(),
                 .height = band_height,
                 .pixels = {begin, begin + static_cast<std::ptrdiff_t>(
                                               row * static_cast<std::size_t>(band_height))}};
  }

 private:
  EngineScript& script_;
  const BatchKey key_;  // Of a tile.
  const std::uint64_t seed_;
  const int tiles_;  // Of a band.
  const int band_height_;
  const Image picture_;
  int done_ = 0;  // Rows.
};

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
  const int tiles = TilesOf(spec);
  const bool in_parts = tiles > 1 && spec.picture != nullptr && script_.encodes_in_parts;
  const TimePoint::duration encode = in_parts ? TimePoint::duration() : script_.encode;
  Spend(script_, key, encode);
  if (absl::Status status = script_.OnAdmit(spec); !status.ok()) {
    broken_ = absl::IsUnavailable(status);
    return status;
  }
  const int encodings = in_parts ? tiles : 0;
  rows_.emplace(id, RowInside{.spec = spec, .course = {.tiles = tiles}, .encodings = encodings});
  Intake intake;
  intake.vae_encode = encode;
  intake.text_cache_misses = 1;
  intake.tiles = tiles;
  intake.encodings_left = encodings;
  if (spec.prompt == kTooLongPrompt) intake.warnings = {"the prompt was cut"};
  return intake;
}

absl::StatusOr<int> DelayEngine::Encode(RowId id) {
  const Call call(*this);
  const auto found = rows_.find(id);
  if (found == rows_.end()) return Breach("a row was encoded that is not here");
  RowInside& row = found->second;
  if (row.encoded == row.encodings) return Breach("a row was encoded that is encoded");
  const Script::RowPart part = {.seed = row.spec.seed, .part = row.encoded + 1};
  script_.before_part(part);
  if (broken_) return BrokenError();
  Spend(script_, BatchKeyOf(row.spec), script_.encode);
  if (absl::Status status = script_.OnEncode(part); !status.ok()) {
    broken_ = absl::IsUnavailable(status);
    return status;
  }
  return row.encodings - ++row.encoded;
}

absl::StatusOr<std::vector<absl::Status>> DelayEngine::Step(std::span<const RowId> rows) {
  const Call call(*this);
  if (std::string breach = BreachOf(rows); !breach.empty()) return Breach(std::move(breach));
  std::vector<Script::RowStep> steps;
  Script::Seeds seeds;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const RowInside& row = rows_.at(rows[i]);
    const auto before = static_cast<int>(std::ranges::count(rows.first(i), rows[i]));
    steps.push_back({.seed = row.spec.seed,
                     .step = row.course.steps_done + 1,
                     .tile = row.course.tiles_done + before + 1});
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
  for (const RowId id : rows) rows_.at(id).course.Advance(1);
  return std::move(outcome.rows);
}

absl::StatusOr<Image> DelayEngine::Preview(RowId id) {
  const Call call(*this);
  const auto found = rows_.find(id);
  if (found == rows_.end() || found->second.course.steps_done == 0 ||
      found->second.course.tiles_done > 0 || found->second.spec.preview_count == 0) {
    return Breach("a preview of a row that has none");
  }
  if (broken_) return BrokenError();
  const RowInside& row = found->second;
  return PreviewOf(SizeOf(row.spec), script_.latents, row.course.steps_done);
}

Engine::Decoding DelayEngine::Finish(RowId id) {
  const Call call(*this);
  const auto found = rows_.find(id);
  if (found == rows_.end() || found->second.course.steps_done != found->second.spec.steps) {
    return [error = Breach("a row was finished that is not done")]() -> absl::StatusOr<RowOutput> {
      return error;
    };
  }
  RowSpec spec = std::move(found->second.spec);
  rows_.erase(found);
  script_.OnFinish();
  return [&script = script_, spec = std::move(spec)]() -> absl::StatusOr<RowOutput> {
    const bool in_bands = TilesOf(spec) > 1 && !spec.latents_wanted;
    if (in_bands) {
      Image picture = Doubled(PictureOf(spec));
      return std::make_unique<DelayedRows>(script, spec, std::move(picture));
    }
    Spend(script, BatchKeyOf(spec), script.decode);
    if (absl::Status status = script.OnDecoding(spec.seed); !status.ok()) return status;
    if (spec.latents_wanted) {
      return Doubled(spec.latents == nullptr ? ToLatents(PictureOf(spec), script.latents)
                                             : *spec.latents);
    }
    return Doubled(PictureOf(spec));
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

int DelayEngine::TilesOf(const RowSpec& spec) {
  const BatchKey size = SizeOf(spec);
  return TilesAlong(size.width, spec.tile_side) * TilesAlong(size.height, spec.tile_side);
}

std::string DelayEngine::BreachOf(std::span<const RowId> rows) const {
  if (rows.empty()) return "a step of no rows";
  for (const RowId id : rows) {
    const auto found = rows_.find(id);
    if (found == rows_.end()) return "a row was stepped that is not here";
    const RowInside& row = found->second;
    const RowSpec& spec = row.spec;
    if (row.encoded < row.encodings) return "a row was stepped that is not encoded";
    if (row.course.steps_done == spec.steps) return "a row was stepped that is done";
    if (std::ranges::count(rows, id) > row.course.tiles_left()) {
      return "a row was stepped beyond its step in one pass";
    }
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
