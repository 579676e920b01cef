// A model on a device, without the rows: what the replicas there share.
//
// The weights are read-only once loaded and most of a device's memory, so there is
// one copy a device, however many replicas step rows with it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <absl/status/statusor.h>
#include <c10/core/Device.h>

#include "worker/imaging/latents.h"
#include "worker/imaging/padding.h"
#include "worker/models/pipeline/pipeline.h"
#include "worker/models/pipeline/text_cache.h"
#include "worker/queue/row.h"

namespace upscaler {

// Immutable, but for the cache of prompts, which guards itself. Thread-safe.
class TorchModel {
 public:
  struct Options {
    std::filesystem::path folder;      // The checkpoint's.
    std::string weights_variant = "";  // Of the weights' files, if any.
    std::string dtype = "float32";     // Or float16.
    std::size_t text_cache_bytes = 0;  // Of the device's memory, for prompts.
  };

  // Reads the checkpoint onto the device. kFailedPrecondition naming the file and
  // what is wrong with it; kResourceExhausted when the device has no room.
  static absl::StatusOr<std::shared_ptr<const TorchModel>> Load(const Options& options,
                                                                const c10::Device& device);

  TorchModel(const TorchModel&) = delete;
  TorchModel& operator=(const TorchModel&) = delete;

  // What a prompt means, from the cache or else into it. Throws what LibTorch throws;
  // the caller holds a c10::InferenceMode.
  Condition EncodePrompts(const Prompts& prompts) const;

  // As Engine has them.
  SideRule sides() const;
  LatentsRule latents() const;
  std::int64_t RowBytes(const BatchKey& key) const;

  const Pipeline& pipeline() const { return pipeline_; }
  const c10::Device& device() const { return pipeline_.checkpoint().options.device; }

 private:
  TorchModel(Checkpoint checkpoint, std::size_t text_cache_bytes)
      : pipeline_(std::move(checkpoint)), text_cache_(text_cache_bytes) {}

  const Pipeline pipeline_;
  mutable TextCache text_cache_;
};

}  // namespace upscaler
