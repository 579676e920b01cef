// A call that is recorded for the shapes that come again and again.
//
// A recording keeps the memory of its call for good, so there are few of them: of the shapes that
// were used last, and of none that is so large that starting its kernels takes no time beside
// running them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/kernels/call_recorder.h"

namespace upscaler {

// Not thread-safe: it belongs to whoever makes the calls.
class RecordedCalls {
 public:
  struct Options {
    // None records nothing.
    std::unique_ptr<CallRecorder> recorder = nullptr;
    // Shapes that are remembered.
    std::size_t most = 0;
    // Of the first input; calls with a larger one are not recorded.
    std::int64_t most_numbers = std::int64_t{1} << 20;
    // Is told why recording was given up.
    std::function<void(const std::string& reason)> warn = [](const std::string& /*reason*/) {};
  };

  RecordedCalls() = default;
  explicit RecordedCalls(Options options);

  // What `call` makes of `inputs`: by a recording from the second time on that inputs of these
  // shapes come. It must be the same call each time. Where there is no memory to record it, what
  // was recorded is given up; where it cannot be recorded, nothing is any more. Throws what
  // LibTorch throws.
  at::Tensor Call(const TensorCall& call, std::span<const at::Tensor> inputs);

  // Gives the recordings' memory back.
  void Clear() { shapes_.clear(); }

 private:
  using Shapes = std::vector<std::vector<std::int64_t>>;  // Of all inputs, in order.

  struct Shape {
    Shapes of;
    std::unique_ptr<RecordedCall> recorded;  // Null until it comes a second time.
  };

  // Makes it the first of them, and one of them if it is not. True if it was.
  bool MoveToFront(const Shapes& shapes);

  Options options_;
  std::list<Shape> shapes_;  // The one used last first.
};

}  // namespace upscaler
