// Calls as CUDA graphs.

#include "worker/kernels/cuda/graph_recorder.h"

#include <mutex>
#include <utility>
#include <vector>

#include <ATen/core/CachingHostAllocator.h>
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

// Held while a graph is made or goes: LibTorch's allocators and its generator, which know of
// captures, are the process's, and not made for two at once.
std::mutex& Captures() {
  static std::mutex mutex;
  return mutex;
}

class Graph final : public RecordedCall {
 public:
  Graph(std::unique_ptr<at::cuda::CUDAGraph> graph, std::vector<at::Tensor> inputs,
        at::Tensor output)
      : inputs_(std::move(inputs)), output_(std::move(output)), graph_(std::move(graph)) {}

  ~Graph() override {
    const std::lock_guard lock(Captures());
    graph_.reset();
  }

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
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

// Calls what undoes a part of a capture. If that part had not begun, or has ended, it throws, and
// then there is nothing to undo.
template <typename Undo>
void Try(Undo undo) {
  try {
    undo();
  } catch (const c10::Error&) {  // NOLINT(bugprone-empty-catch)
  }
}

class GraphRecorder final : public CallRecorder {
 public:
  GraphRecorder() : stream_(c10::cuda::getStreamFromPool()), pool_(at::cuda::graph_pool_handle()) {}

  std::unique_ptr<RecordedCall> Record(const TensorCall& call,
                                       std::span<const at::Tensor> inputs) override {
    const std::lock_guard lock(Captures());
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
    at::Tensor output;
    try {
      // Other threads of the process may do what this one may not.
      graph->capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
      output = call(kept);
      graph->capture_end();
    } catch (...) {
      GiveUp(*graph);
      throw;
    }
    return std::make_unique<Graph>(std::move(graph), std::move(kept), std::move(output));
  }

 private:
  // Undoes what a capture that failed has left behind: the stream that still captures, and the
  // allocators of the device and of pinned memory that still give from the graph's pool.
  void GiveUp(at::cuda::CUDAGraph& graph) {
    Try([&] { graph.capture_end(); });
    Try([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(stream_.device_index(), pool_); });
    Try([&] { at::getHostAllocator(at::kCUDA)->end_allocate_to_pool(pool_); });
    // The capture's error would be reported by whatever is called next.
    static_cast<void>(cudaGetLastError());
    pool_ = at::cuda::graph_pool_handle();  // Nobody knows what is left in the old one.
  }

  const c10::cuda::CUDAStream stream_;
  // One for all graphs: of those that are never replayed at the same time, and whose results are
  // copied, one may use the memory of another.
  at::cuda::MempoolId_t pool_;
};

}  // namespace
}  // namespace upscaler

// NOLINTNEXTLINE(readability-identifier-naming): a name as dlsym takes it.
extern "C" __attribute__((visibility("default"))) void upscaler_make_graph_recorder(
    std::unique_ptr<upscaler::CallRecorder>& recorder) {
  recorder = std::make_unique<upscaler::GraphRecorder>();
}
