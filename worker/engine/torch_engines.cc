#include "worker/engine/torch_engines.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <c10/core/DeviceGuard.h>
#include <torch/headeronly/version.h>

#include "common/status_macros.h"
#include "worker/engine/cpu_threads.h"
#include "worker/engine/device_memory.h"
#include "worker/engine/torch_engine.h"
#include "worker/kernels/device/catch_torch.h"
#include "worker/kernels/device/cuda_kernels.h"
#include "worker/kernels/device/device.h"
#include "worker/kernels/tensor_memory.h"

namespace upscaler {
namespace {

// A black picture of the smallest size, to be taken one step.
RowSpec SmallestPicture(const Engine& engine) {
  const int side = engine.sides().minimum;
  const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  return {.picture = std::make_shared<const Image>(
              Image{.width = side,
                    .height = side,
                    .pixels = std::vector<std::uint8_t>(pixels * Image::kChannels)}),
          .steps = 1};
}

// Takes the smallest picture the whole way, so that the first client does not wait
// for what is set up on first use, and a device that cannot run the model is found out
// before there are clients.
absl::Status WarmUp(Engine& engine) {
  constexpr RowId kRow = 0;  // No row of the queue's.
  UPSCALER_RETURN_IF_ERROR(engine.Admit(kRow, SmallestPicture(engine)).status());
  UPSCALER_ASSIGN_OR_RETURN(const std::vector<absl::Status> statuses, engine.Step({&kRow, 1}));
  UPSCALER_RETURN_IF_ERROR(statuses.front());
  return engine.Finish(kRow)().status();
}

}  // namespace

TorchEngines::TorchEngines(Options options, const Clock& clock)
    : options_(std::move(options)),
      cpu_threads_(ThreadsPerReplica(options_.threads, CpuCores(), options_.cpu_replicas)),
      clock_(clock) {
  KeepTensorMemory();
}

std::string TorchEngines::library_version() { return TORCH_VERSION; }

absl::StatusOr<std::unique_ptr<Engine>> TorchEngines::Make(std::string_view device) {
  UPSCALER_ASSIGN_OR_RETURN(const c10::Device opened, OpenDevice(device));
  RecordedCalls unet_calls = opened.is_cuda() ? OpenKernels(opened) : RecordedCalls();
  UPSCALER_ASSIGN_OR_RETURN(std::shared_ptr<const TorchModel> model, ModelOn(opened));
  const TorchEngine::Options options = {.threads = opened.is_cpu() ? cpu_threads_ : 0};
  auto engine =
      std::make_unique<TorchEngine>(std::move(model), options, clock_, std::move(unet_calls));
  UPSCALER_RETURN_IF_ERROR(WarmUp(*engine));
  return engine;
}

DeviceMemory TorchEngines::MemoryOf(std::string_view device) const {
  const absl::StatusOr<c10::Device> opened = OpenDevice(device);
  return opened.ok() ? MemoryOfDevice(*opened) : DeviceMemory();
}

RecordedCalls TorchEngines::OpenKernels(const c10::Device& device) const {
  const absl::StatusOr<MakeGraphRecorder*> make_recorder = LoadCudaKernels();
  if (!make_recorder.ok()) {
    options_.warn(std::string(make_recorder.status().message()));
    return {};
  }
  if (options_.cuda_graphs == 0) return {};
  RecordedCalls::Options options = {.most = options_.cuda_graphs, .warn = options_.warn};
  const absl::StatusOr<bool> made = CatchTorch([&] {
    const c10::DeviceGuard current(device);
    (*make_recorder)(options.recorder);
    return true;
  });
  if (!made.ok()) options_.warn(std::string(made.status().message()));
  return RecordedCalls(std::move(options));
}

absl::StatusOr<std::shared_ptr<const TorchModel>> TorchEngines::ModelOn(const c10::Device& device) {
  const std::string name = device.str();
  if (std::shared_ptr<const TorchModel> living = LivingOrBeginLoading(name)) return living;
  // Without the lock: it takes seconds, and other devices need not wait.
  absl::StatusOr<std::shared_ptr<const TorchModel>> model =
      TorchModel::Load({.folder = options_.model,
                        .weights_variant = options_.weights_variant,
                        .dtype = options_.dtype,
                        .text_cache_bytes = options_.text_cache_bytes},
                       device);
  EndLoading(name, model.ok() ? *model : nullptr);
  return model;
}

std::shared_ptr<const TorchModel> TorchEngines::LivingOrBeginLoading(const std::string& device) {
  MutexLock lock(mutex_);
  Place& place = places_[device];
  while (place.loading) lock.Wait(loaded_);
  std::shared_ptr<const TorchModel> living = place.model.lock();
  place.loading = living == nullptr;
  return living;
}

void TorchEngines::EndLoading(const std::string& device,
                              const std::shared_ptr<const TorchModel>& model) {
  {
    MutexLock lock(mutex_);
    places_[device] = {.model = model, .loading = false};
  }
  loaded_.notify_all();
}

}  // namespace upscaler
