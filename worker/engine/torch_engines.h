// Where engines with the real model come from.
//
// The first engine on a device loads the model there, the others share it. When none
// of them is left, because they broke or because the server ends, the model goes too,
// and the next engine loads it anew.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <c10/core/Device.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "worker/engine/torch_model.h"
#include "worker/kernels/recorded_calls.h"
#include "worker/scheduler/engine.h"

namespace upscaler {

// See EngineSource. Thread-safe: models of several devices load at once.
class TorchEngines final : public EngineSource {
 public:
  struct Options {
    std::filesystem::path model;       // The checkpoint's folder.
    std::string weights_variant = "";  // Of the weights' files, if any.
    std::string dtype = "float32";     // Or float16.
    // Threads that compute for one replica on the CPU; 0 divides the cores among
    // `cpu_replicas`.
    int threads = 0;
    int cpu_replicas = 1;
    // Of each device's memory, for the prompts that it has read.
    std::size_t text_cache_bytes = std::size_t{64} << 20;
    // CUDA graphs that an engine keeps, one for each size of a batch; 0 makes none.
    std::size_t cuda_graphs = 0;
    // Is told, once for each engine, what makes it slower than it could be. On any thread.
    std::function<void(const std::string& reason)> warn = [](const std::string& /*reason*/) {};
  };

  // `clock` must outlive the engines. To be made before other threads use tensors: from then on
  // the process keeps their memory (worker/kernels/tensor_memory.h).
  TorchEngines(Options options, const Clock& clock);

  TorchEngines(const TorchEngines&) = delete;
  TorchEngines& operator=(const TorchEngines&) = delete;

  // LibTorch's, such as "2.11.0".
  static std::string library_version();

  absl::StatusOr<std::unique_ptr<Engine>> Make(std::string_view device) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  DeviceMemory MemoryOf(std::string_view device) const override;

 private:
  struct Place {
    std::weak_ptr<const TorchModel> model;  // Living for as long as somebody uses it.
    bool loading = false;                   // By a thread that the others wait for.
  };

  // Loads our kernels for a GPU, and answers what makes the UNet's calls there. It works without
  // them all the same.
  RecordedCalls OpenKernels(const c10::Device& device) const;
  absl::StatusOr<std::shared_ptr<const TorchModel>> ModelOn(const c10::Device& device)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The model that lives on the device; if there is none, null, and it is for the
  // caller to load it and then call EndLoading.
  std::shared_ptr<const TorchModel> LivingOrBeginLoading(const std::string& device)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void EndLoading(const std::string& device, const std::shared_ptr<const TorchModel>& model)
      ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  const int cpu_threads_;
  const Clock& clock_;

  Mutex mutex_;
  std::condition_variable loaded_;                               // Or the loading has failed.
  std::map<std::string, Place> places_ ABSL_GUARDED_BY(mutex_);  // By the device's name.
};

}  // namespace upscaler
