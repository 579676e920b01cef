// Weights into a module, by name, and strictly.
//
// A tensor that is missing, left over or of another shape means that the
// checkpoint is not of the model that the module is. A picture would come out
// all the same, and a wrong one; so nothing is bound by guess.

#pragma once

#include <absl/status/status.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <torch/nn/module.h>

#include "worker/models/weights/rename.h"
#include "worker/models/weights/weights.h"

namespace upscaler {

struct BindOptions {
  RenameRule rename = KeepName;
  at::ScalarType dtype = at::kFloat;  // What the module computes in.
  at::Device device = at::kCPU;
};

// Sets every parameter and every buffer of `module` to the tensor of its name,
// which must have its shape, and sees that no tensor is left over. A stored shape
// may have further axes of 1 at its end: old checkpoints have [512, 512, 1, 1]
// for a linear layer's [512, 512].
//
// Each keeps its layout in memory. Where that, dtype and device are those of the
// file, nothing is copied: the parameter is the mapped file. Afterwards no parameter
// asks for a gradient.
//
// kFailedPrecondition naming the folder and the first few tensors at fault; the
// module is then as it was. Throws what LibTorch throws when `device` has no room.
absl::Status BindWeights(const Weights& weights, const BindOptions& options,
                         torch::nn::Module& module);

}  // namespace upscaler
