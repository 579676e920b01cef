// The engine that is the model, run by LibTorch.

#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/imaging/padding.h"
#include "worker/models/pipeline/pipeline.h"
#include "worker/scheduler/engine.h"

namespace upscaler {

// See Engine. Load may run on another thread than the rest.
class TorchEngine final : public Engine {
 public:
  struct Options {
    std::string model;                 // The checkpoint's folder.
    std::string weights_variant = "";  // Of the weights' files, if any.
    std::string device = "cpu";
    std::string dtype = "float32";  // Or float16.
    int threads = 0;                // On the CPU; 0 means one a core.
  };

  // Reads the checkpoint onto the device. kFailedPrecondition naming the file and
  // what is wrong with it; kResourceExhausted when the device has no room.
  static absl::StatusOr<std::unique_ptr<TorchEngine>> Load(const Options& options);

  // LibTorch's, such as "2.11.0".
  static std::string library_version();

  // Takes the smallest picture through all stages, so that the first client does
  // not wait for what is set up on first use, and a device that cannot run the
  // model is found out before there are clients.
  absl::Status WarmUp();

  // What the model asks of a picture's sides.
  SideRule sides() const;

  absl::StatusOr<std::vector<std::string>> Admit(RowId id, const RowSpec& spec) override;
  std::vector<absl::Status> Step(std::span<const RowId> rows) override;
  absl::StatusOr<Image> Finish(RowId id) override;
  void Drop(RowId id) override;

 private:
  explicit TorchEngine(Pipeline pipeline) : pipeline_(std::move(pipeline)) {}

  Pipeline pipeline_;
  std::unordered_map<RowId, PipelineRow> rows_;
};

}  // namespace upscaler
