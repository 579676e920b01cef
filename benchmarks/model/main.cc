// How long the model itself takes: no service, no files, no pictures but numbers.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <absl/status/statusor.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>
#include <nlohmann/json.hpp>

#include "common/status_macros.h"
#include "worker/kernels/device/cuda_kernels.h"
#include "worker/kernels/device/device.h"
#include "worker/kernels/recorded_calls.h"
#include "worker/kernels/tensor_memory.h"
#include "worker/models/pipeline/checkpoint.h"
#include "worker/models/pipeline/condition.h"
#include "worker/models/pipeline/condition_batch.h"
#include "worker/models/pipeline/pipeline.h"
#include "worker/models/pipeline/text_cache.h"

namespace upscaler {
namespace {

struct Arguments {
  std::string model;
  std::int64_t pixels = 128;
  std::int64_t steps = 4;
  double guidance_scale = 8;
  int threads = 2;
  std::string device = "cpu";
  std::string dtype = "float32";
  std::size_t cuda_graphs = 0;
};

constexpr const char* kHelp = R"(Times the model on random pixels.

Answers each line on its standard input with one run and a line of JSON: the seconds that it
took from the prompt to the pixels, and those of its parts. So whoever compares programs can
let them take turns. The prompt is encoded anew each time.)";

double Since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// What the bench runs on, with our kernels where they are built for it.
absl::StatusOr<at::Device> Open(const Arguments& arguments, RecordedCalls& unet_calls) {
  UPSCALER_ASSIGN_OR_RETURN(const at::Device device, OpenDevice(arguments.device));
  if (!device.is_cuda()) return device;
  UPSCALER_ASSIGN_OR_RETURN(MakeGraphRecorder* const make_recorder, LoadCudaKernels());
  if (arguments.cuda_graphs == 0) return device;
  const c10::DeviceGuard current(device);
  RecordedCalls::Options options = {
      .most = arguments.cuda_graphs,
      .warn = [](const std::string& reason) { std::cerr << reason << "\n"; }};
  make_recorder(options.recorder);
  unet_calls = RecordedCalls(std::move(options));
  return device;
}

// The times of a GPU's parts are those of their start, but for the last one, which waits.
nlohmann::ordered_json Run(const Pipeline& pipeline, RecordedCalls& unet_calls,
                           const Arguments& arguments) {
  const PipelineRequest request{
      .pixels = at::randint(0, 256, {arguments.pixels, arguments.pixels, 3}, at::kByte),
      .prompts = {.prompt = "a sharp, highly detailed photo",
                  .negative = "",
                  .guidance_scale = arguments.guidance_scale},
      .steps = arguments.steps};
  TextCache cache(std::size_t{16} << 20);
  ConditionBatch conditions;

  const auto start = std::chrono::steady_clock::now();
  Condition condition = EncodePrompts(pipeline.checkpoint(), request.prompts, cache);
  const double text = Since(start);
  PipelineRow row = pipeline.Begin(request, std::move(condition));
  const double begun = Since(start);
  const std::array<PipelineRow*, 1> rows = {&row};
  for (std::int64_t step = 0; step < arguments.steps; ++step) {
    pipeline.Step(rows, conditions, unet_calls);
  }
  const double stepped = Since(start);
  pipeline.Decode(row.latents->latents());
  const double total = Since(start);
  return {{"seconds", total},
          {"text", text},
          {"encode", begun - text},
          {"steps", stepped - begun},
          {"decode", total - stepped}};
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(kHelp, "upscale_bench");
  app.add_option("--model", arguments.model, "A folder as diffusers saves it")->required();
  app.add_option("--pixels", arguments.pixels, "The picture's sides")->capture_default_str();
  app.add_option("--steps", arguments.steps)->capture_default_str();
  app.add_option("--guidance-scale", arguments.guidance_scale)->capture_default_str();
  app.add_option("--threads", arguments.threads)->capture_default_str();
  app.add_option("--device", arguments.device, "cpu, or cuda:0")->capture_default_str();
  app.add_option("--dtype", arguments.dtype, "float32, or float16")
      ->capture_default_str()
      ->check(CLI::IsMember({"float32", "float16"}));
  app.add_option("--cuda-graphs", arguments.cuda_graphs, "As upscaler-server has it")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const c10::InferenceMode inference;
  KeepTensorMemory();
  at::set_num_threads(arguments.threads);
  RecordedCalls unet_calls;
  const absl::StatusOr<at::Device> device = Open(arguments, unet_calls);
  if (!device.ok()) {
    std::cerr << device.status().message() << "\n";
    return 1;
  }
  auto checkpoint = LoadCheckpoint(arguments.model,
                                   {.variant = "",
                                    .dtype = arguments.dtype == "float16" ? at::kHalf : at::kFloat,
                                    .device = *device});
  if (!checkpoint.ok()) {
    std::cerr << checkpoint.status().message() << "\n";
    return 1;
  }
  const Pipeline pipeline(*std::move(checkpoint));
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Run(pipeline, unet_calls, arguments).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace upscaler

int main(int argc, char** argv) { return upscaler::Main(argc, argv); }
