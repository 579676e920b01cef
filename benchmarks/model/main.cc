// How long the model itself takes: no service, no files, no pictures but numbers.

#include <array>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <c10/core/InferenceMode.h>
#include <nlohmann/json.hpp>

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
};

constexpr const char* kHelp = R"(Times the model on random pixels.

Answers each line on its standard input with one run and a line of JSON: the seconds that it
took from the prompt to the pixels, and those of its parts. So whoever compares programs can
let them take turns. The prompt is encoded anew each time.)";

double Since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

nlohmann::ordered_json Run(const Pipeline& pipeline, const Arguments& arguments) {
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
  for (std::int64_t step = 0; step < arguments.steps; ++step) pipeline.Step(rows, conditions);
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
  CLI11_PARSE(app, argc, argv);

  const c10::InferenceMode inference;
  KeepTensorMemory();
  at::set_num_threads(arguments.threads);
  auto checkpoint = LoadCheckpoint(arguments.model, {});
  if (!checkpoint.ok()) {
    std::cerr << checkpoint.status().message() << "\n";
    return 1;
  }
  const Pipeline pipeline(*std::move(checkpoint));
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Run(pipeline, arguments).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace upscaler

int main(int argc, char** argv) { return upscaler::Main(argc, argv); }
