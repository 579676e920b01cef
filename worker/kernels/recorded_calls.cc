#include "worker/kernels/recorded_calls.h"

#include <algorithm>
#include <utility>

#include <c10/util/Exception.h>

namespace upscaler {

RecordedCalls::RecordedCalls(Options options) : options_(std::move(options)) {}

at::Tensor RecordedCalls::Call(const TensorCall& call, std::span<const at::Tensor> inputs) {
  if (options_.recorder == nullptr || inputs.front().numel() > options_.most_numbers) {
    return call(inputs);
  }
  Shapes shapes;
  for (const at::Tensor& input : inputs) shapes.push_back(input.sizes().vec());
  if (!MoveToFront(shapes)) return call(inputs);

  if (shapes_.front().recorded == nullptr) {
    try {
      shapes_.front().recorded = options_.recorder->Record(call, inputs);
    } catch (const c10::OutOfMemoryError&) {
      Clear();  // It may come again when there is more.
      return call(inputs);
    } catch (const c10::Error& error) {
      // Whatever it was will be there the next time, too.
      Clear();
      options_.recorder.reset();
      options_.warn(error.what_without_backtrace());
      return call(inputs);
    }
  }
  return shapes_.front().recorded->Replay(inputs);
}

bool RecordedCalls::MoveToFront(const Shapes& shapes) {
  const auto known = std::ranges::find(shapes_, shapes, &Shape::of);
  if (known != shapes_.end()) {
    shapes_.splice(shapes_.begin(), shapes_, known);
    return true;
  }
  shapes_.push_front({.of = shapes, .recorded = nullptr});
  if (shapes_.size() > options_.most) shapes_.pop_back();
  return false;
}

}  // namespace upscaler
