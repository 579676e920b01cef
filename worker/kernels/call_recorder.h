// What a device can be told once and then does again: on a GPU, a CUDA graph.
//
// A forward pass of a small picture is hundreds of kernels that each take less time than it
// takes to start them. A graph starts them all at once. Who makes one is behind this interface,
// since the programs are not linked with CUDA (docs/adr/0022).

#pragma once

#include <functional>
#include <memory>
#include <span>

#include <ATen/core/Tensor.h>

namespace upscaler {

// A computation that depends on its inputs alone, and waits for no number from the device.
using TensorCall = std::function<at::Tensor(std::span<const at::Tensor> inputs)>;

// Not thread-safe; of one device.
class RecordedCall {
 public:
  virtual ~RecordedCall() = default;

  // inputs with the shapes, types and layouts of those it was recorded with -> what the call
  // makes of them, the caller's own. Throws what LibTorch throws.
  virtual at::Tensor Replay(std::span<const at::Tensor> inputs) = 0;
};

// Not thread-safe; of one device. What it has recorded may outlive it.
class CallRecorder {
 public:
  virtual ~CallRecorder() = default;

  // Records `call`, which is made meanwhile, more than once; what it refers to must outlive the
  // recording. Throws c10::Error where it cannot be recorded.
  virtual std::unique_ptr<RecordedCall> Record(const TensorCall& call,
                                               std::span<const at::Tensor> inputs) = 0;
};

}  // namespace upscaler
