// Calls as CUDA graphs.

#include "worker/kernels/cuda/graph_recorder.h"

#include <utility>
#include <vector>

#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

namespace upscaler {
namespace {

class Graph final : public RecordedCall {
 public:
  Graph(std::unique_ptr<at::cuda::CUDAGraph> graph, std::vector<at::Tensor> inputs,
        at::Tensor output)
      : inputs_(std::move(inputs)), output_(std::move(output)), graph_(std::move(graph)) {}

  at::Tensor Replay(std::span<const at::Tensor> inputs) override {
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs_[i].copy_(inputs[i]);
    graph_->replay();
    // The graphs of a recorder share their memory, and so the next replay writes there.
    return output_.clone();
  }

 private:
  // What the graph reads and writes, at the addresses that it knows.
  std::vector<at::Tensor> inputs_;
  const at::Tensor output_;
  const std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

// Undoes what a capture that failed has left behind: the stream that still captures, and the
// allocator that still gives from the graph's memory. What of it is no longer so throws.
void GiveUp(at::cuda::CUDAGraph& graph, c10::DeviceIndex device, at::cuda::MempoolId_t pool) {
  try {
    graph.capture_end();
  } catch (const c10::Error&) {
    try {
      c10::cuda::CUDACachingAllocator::endAllocateToPool(device, pool);
    } catch (const c10::Error&) {
    }
  }
  // The capture's error would be reported by whatever is called next.
  static_cast<void>(cudaGetLastError());
}

class GraphRecorder final : public CallRecorder {
 public:
  GraphRecorder() : stream_(c10::cuda::getStreamFromPool()), pool_(at::cuda::graph_pool_handle()) {}

  std::unique_ptr<RecordedCall> Record(const TensorCall& call,
                                       std::span<const at::Tensor> inputs) override {
    const c10::cuda::CUDAGuard device(stream_.device());
    std::vector<at::Tensor> kept;
    for (const at::Tensor& input : inputs) kept.push_back(at::empty_like(input).copy_(input));
    at::cuda::CUDAEvent copied;
    copied.record(c10::cuda::getCurrentCUDAStream());

    // On a stream of its own: the others may go on meanwhile, and what they do is not recorded.
    const c10::cuda::CUDAStreamGuard stream(stream_);
    copied.block(stream_);
    // What libraries choose and allocate the first time must not be done while recording.
    call(kept);
    stream_.synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();

    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    // Other threads of the process may do what this one may not.
    graph->capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
    at::Tensor output;
    try {
      output = call(kept);
    } catch (...) {
      GiveUp(*graph, stream_.device_index(), pool_);
      throw;
    }
    try {
      graph->capture_end();
    } catch (...) {
      GiveUp(*graph, stream_.device_index(), pool_);
      throw;
    }
    return std::make_unique<Graph>(std::move(graph), std::move(kept), std::move(output));
  }

 private:
  const c10::cuda::CUDAStream stream_;
  // One for all graphs: of those that are never replayed at the same time, and whose results are
  // copied, one may use the memory of another.
  const at::cuda::MempoolId_t pool_;
};

}  // namespace
}  // namespace upscaler

// NOLINTNEXTLINE(readability-identifier-naming): a name as dlsym takes it.
extern "C" __attribute__((visibility("default"))) void upscaler_make_graph_recorder(
    std::unique_ptr<upscaler::CallRecorder>& recorder) {
  recorder = std::make_unique<upscaler::GraphRecorder>();
}
