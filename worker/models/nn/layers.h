// Layers with weights, made without them.
//
// torch::nn fills its layers with random numbers when they are built, which takes
// seconds for a model of this size and is overwritten by the checkpoint at once.
// These leave their memory untouched until the checkpoint is bound.

#pragma once

#include <cstdint>
#include <mutex>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

namespace upscaler {

struct LinearOptions {
  std::int64_t in = 0;
  std::int64_t out = 0;
  bool bias = true;
};

// Parameters: weight [out, in], bias [out].
class LinearImpl : public torch::nn::Module {
 public:
  explicit LinearImpl(const LinearOptions& options);

  // [..., in] -> [..., out]
  at::Tensor forward(const at::Tensor& input);

 private:
  at::Tensor weight_;
  at::Tensor bias_;  // Undefined without one.
};
TORCH_MODULE(Linear);

// A kernel of 1 goes with a stride of 1 and no padding.
struct Conv2dOptions {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  bool bias = true;
};

// Parameters: weight [out, in, kernel, kernel], with the channels last in memory,
// and bias [out]. A convolution whose weight is laid out so gives its result in
// the same layout, which makes it that of the whole network: both CPUs and GPUs
// convolve faster in it.
//
// On a CPU, 3x3 convolutions of pictures that are large enough are done by Winograd's method:
// then the layer keeps a second form of its weight, four times as large, which is made at the
// first of them. So the weight must not change any more. Which method it is depends on the
// picture's sides alone: the same picture gives the same numbers in any batch.
class Conv2dImpl : public torch::nn::Module {
 public:
  explicit Conv2dImpl(const Conv2dOptions& options);

  // [B, in, H, W] -> [B, out, H', W']. Thread-safe.
  at::Tensor forward(const at::Tensor& features);

 private:
  bool IsForWinograd(const at::Tensor& features) const;

  const Conv2dOptions options_;
  at::Tensor weight_;
  at::Tensor bias_;  // Undefined without one.
  std::once_flag transformed_;
  at::Tensor winograd_weight_;  // See TransformConv3x3Weight.
};
TORCH_MODULE(Conv2d);

// A convolution that keeps the size: 3x3, padded by one.
Conv2d Conv3x3(std::int64_t in, std::int64_t out);

// Parameters: weight [rows, width].
class EmbeddingImpl : public torch::nn::Module {
 public:
  EmbeddingImpl(std::int64_t rows, std::int64_t width);

  // ids [...] of int64, each below `rows` -> [..., width]
  at::Tensor forward(const at::Tensor& ids);

 private:
  at::Tensor weight_;
};
TORCH_MODULE(Embedding);

}  // namespace upscaler
