// Convolutions of the published model's shapes: ours against ATen's, by turns.

#include <cstdint>
#include <iostream>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <CLI/CLI.hpp>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include "benchmarks/kernels/by_turns.h"
#include "worker/kernels/winograd.h"

namespace upscaler {
namespace {

struct Shape {
  std::int64_t pictures;
  std::int64_t in;
  std::int64_t out;
  std::int64_t side;
};

// Of the UNet for pictures of 128 and 256 pixels with guidance, and of the decoder for 128.
constexpr Shape kShapes[] = {{2, 384, 384, 32},  {2, 384, 384, 64}, {2, 384, 384, 16},
                             {2, 768, 768, 8},   {2, 768, 768, 16}, {2, 768, 384, 32},
                             {1, 512, 512, 32},  {1, 512, 512, 64}, {1, 256, 256, 128},
                             {1, 256, 256, 256}, {1, 128, 128, 256}};

void Compare(const Shape& shape, int rounds) {
  const auto features = at::randn({shape.pictures, shape.in, shape.side, shape.side})
                            .contiguous(at::MemoryFormat::ChannelsLast);
  const auto weight = (at::randn({shape.out, shape.in, 3, 3}) / (9 * shape.in))
                          .contiguous(at::MemoryFormat::ChannelsLast);
  const auto bias = at::randn({shape.out});
  const auto transformed = TransformConv3x3Weight(weight);
  const auto direct = [&] { return at::conv2d(features, weight, bias, 1, 1); };
  const auto winograd = [&] { return WinogradConv3x3(features, transformed, bias); };
  const at::Tensor wanted =
      at::conv2d(features.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble), 1, 1);
  const auto error = [&](const at::Tensor& result) {
    return ((result - wanted).norm() / wanted.norm()).item<double>();
  };
  const double direct_error = error(direct());
  const double winograd_error = error(winograd());
  const LeastTimes least = TimeByTurns(rounds, direct, winograd);
  std::cout << fmt::format(
      "{} x {} -> {}, {}x{}: {:.1f} ms, ATen {:.1f} ms ({:.2f} times); error {:.1e}, "
      "ATen {:.1e}\n",
      shape.pictures, shape.in, shape.out, shape.side, shape.side, least.ours, least.reference,
      least.reference / least.ours, winograd_error, direct_error);
}

}  // namespace
}  // namespace upscaler

int main(int argc, char** argv) {
  int threads = 2;
  int rounds = 7;
  CLI::App app("Times 3x3 convolutions: ours and ATen's, the least of some rounds each",
               "conv_bench");
  app.add_option("--threads", threads)->capture_default_str();
  app.add_option("--rounds", rounds)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const c10::InferenceMode inference;
  at::set_num_threads(threads);
  for (const upscaler::Shape& shape : upscaler::kShapes) upscaler::Compare(shape, rounds);
  return 0;
}
