// What the exact savings of the model gain: the same numbers by the reference's way and by ours, by
// turns, as parts of one step of the published model for a picture of 128x128 with guidance.

#include <cstdint>
#include <iostream>
#include <string>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <CLI/CLI.hpp>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include "benchmarks/kernels/by_turns.h"
#include "worker/kernels/group_norm.h"
#include "worker/kernels/resample.h"
#include "worker/kernels/tensor_memory.h"

namespace upscaler {
namespace {

constexpr std::int64_t kPasses = 2;  // With guidance.
constexpr std::int64_t kTokens = 77;
constexpr std::int64_t kContext = 768;
constexpr std::int64_t kEmbedding = 1536;
// Scales and shifts, keys and values: of all layers together.
constexpr std::int64_t kModulationColumns = 59'000;
constexpr std::int64_t kKeyValueColumns = 2 * (2 * 4 * 384 + 4 * 4 * 768);
constexpr std::int64_t kStepsAtOnce = 8;

// `parts`: how many steps share what `ours` does.
void Compare(const std::string& name, int rounds, const Work& reference, const Work& ours,
             double parts = 1) {
  const LeastTimes least = TimeByTurns(rounds, reference, ours);
  std::cout << fmt::format("| {} | {:.2f} | {:.2f} |\n", name, least.reference, least.ours / parts)
            << std::flush;
}

at::Tensor Features(std::int64_t channels, std::int64_t side) {
  return at::randn({kPasses, channels, side, side}).contiguous(at::MemoryFormat::ChannelsLast);
}

// The reference's filter between every pair of channels, which is zero but where they are the same.
at::Tensor DenseFilter(std::int64_t channels) {
  const at::Tensor line = at::tensor({1.0F, 3.0F, 3.0F, 1.0F}) / 8;
  const at::Tensor filter = at::zeros({channels, channels, 4, 4});
  filter.diagonal().copy_(at::outer(line, line).unsqueeze(-1).expand({4, 4, channels}));
  return filter;
}

void CompareResampling(int rounds, std::int64_t channels, std::int64_t side) {
  const at::Tensor features = Features(channels, side);
  Compare(
      fmt::format("halving {} channels at {}x{}", channels, side, side), rounds,
      [&] {
        return at::conv2d(at::reflection_pad2d(features, {1, 1, 1, 1}), DenseFilter(channels),
                          /*bias=*/{}, /*stride=*/2);
      },
      [&] { return Downsample2x(features); });
}

void CompareNormalization(int rounds, std::int64_t channels, std::int64_t side) {
  const at::Tensor features = Features(channels, side);
  const at::Tensor scale = at::randn({kPasses, channels});
  const at::Tensor shift = at::randn({kPasses, channels});
  const std::int64_t groups = channels / 32;
  constexpr double kEps = 1e-5;
  Compare(
      fmt::format("normalization of {} channels at {}x{}", channels, side, side), rounds,
      [&] {
        return PlainGroupNormActivation(features, groups, kEps, scale, shift, Activation::kGelu);
      },
      [&] { return GroupNormActivation(features, groups, kEps, scale, shift, Activation::kGelu); });
}

void CompareAll(int rounds) {
  std::cout << "| | by the reference's way, ms | ours, ms |\n|---|---|---|\n";
  CompareResampling(rounds, 384, 32);
  CompareResampling(rounds, 768, 16);
  CompareNormalization(rounds, 384, 32);
  CompareNormalization(rounds, 768, 16);

  const at::Tensor modulation = at::randn({kModulationColumns, kEmbedding});
  const at::Tensor embedding = at::randn({kPasses, kEmbedding});
  const at::Tensor embeddings = at::randn({kPasses * kStepsAtOnce, kEmbedding});
  Compare(
      "scales and shifts of a step", rounds, [&] { return at::linear(embedding, modulation); },
      [&] { return at::linear(embeddings, modulation); }, kStepsAtOnce);

  const at::Tensor keys_values = at::randn({kKeyValueColumns, kContext});
  const at::Tensor context = at::randn({kPasses, kTokens, kContext});
  Compare(
      "keys and values of the prompt", rounds, [&] { return at::linear(context, keys_values); },
      [&] { return context; });
}

}  // namespace
}  // namespace upscaler

int main(int argc, char** argv) {
  int threads = 2;
  int rounds = 7;
  CLI::App app("Times what a step is spared, the least of some rounds each", "savings_bench");
  app.add_option("--threads", threads)->capture_default_str();
  app.add_option("--rounds", rounds)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const c10::InferenceMode inference;
  upscaler::KeepTensorMemory();
  at::set_num_threads(threads);
  upscaler::CompareAll(rounds);
  return 0;
}
