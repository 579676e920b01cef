// The engine that is the model, run by LibTorch: one replica's rows.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "worker/engine/torch_model.h"
#include "worker/imaging/padding.h"
#include "worker/kernels/recorded_calls.h"
#include "worker/models/pipeline/condition_batch.h"
#include "worker/models/pipeline/pipeline.h"
#include "worker/scheduler/engine.h"

namespace upscaler {

// See Engine. Replicas of one device share the model: each may be stepped while
// another is, or while a finished row is decoded.
//
// The times in an Intake are the host's. On a CPU that is the whole of the work; a GPU
// may still be at it when they are taken.
class TorchEngine final : public Engine {
 public:
  struct Options {
    // Threads that compute for a thread of ours, on the CPU; 0 leaves it to LibTorch.
    int threads = 0;
  };

  // `clock` must outlive the engine. The model is shared because replicas and
  // decodings, which outlive them, use it alike.
  TorchEngine(std::shared_ptr<const TorchModel> model, const Options& options, const Clock& clock,
              RecordedCalls unet_calls = {})
      : model_(std::move(model)),
        options_(options),
        clock_(clock),
        unet_calls_(std::move(unet_calls)) {}

  absl::StatusOr<Intake> Admit(RowId id, const RowSpec& spec) override;
  absl::StatusOr<int> Encode(RowId id) override;
  absl::StatusOr<std::vector<absl::Status>> Step(std::span<const RowId> rows) override;
  absl::StatusOr<Image> Preview(RowId id) override;
  Decoding Finish(RowId id) override;
  void Drop(RowId id) override;

  // On a CPU. OpenMP keeps threads for every thread that has computed, and once all of them
  // are more than the cores, it has them sleep between parallel loops instead of spin, which
  // costs a tenth of a picture's time and more. See docs/adr/0025.
  bool wants_one_thread() const override { return model_->device().is_cpu(); }
  SideRule sides() const override { return model_->sides(); }
  LatentsRule latents() const override { return model_->latents(); }
  std::int64_t RowBytes(const BatchKey& key) const override { return model_->RowBytes(key); }
  std::int64_t FreeBytes() const override;

 private:
  struct KeyedRow {
    PipelineRow row;
    BatchKey key;
    // The row's encoding reads it where it is.
    std::shared_ptr<const Image> picture;
    bool latents_wanted = false;
    int bits = 8;
    bool lost = false;  // Something of its latents is not finite.
  };
  // Batches of several keys may take turns, and each keeps its conditions meanwhile.
  struct KeyedConditions {
    BatchKey key;
    ConditionBatch conditions;
  };

  ConditionBatch& ConditionsOf(const BatchKey& key);
  // Takes the row out, and with the last one of its key what was kept for the key.
  KeyedRow TakeOut(std::unordered_map<RowId, KeyedRow>::iterator place);

  const std::shared_ptr<const TorchModel> model_;
  const Options options_;
  const Clock& clock_;

  std::unordered_map<RowId, KeyedRow> rows_;
  std::vector<KeyedConditions> conditions_;
  RecordedCalls unet_calls_;
};

}  // namespace upscaler
