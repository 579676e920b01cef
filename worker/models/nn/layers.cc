#include "worker/models/nn/layers.h"

#include <cassert>

#include <ATen/ops/conv2d.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>

#include "worker/kernels/winograd.h"

namespace upscaler {

LinearImpl::LinearImpl(const LinearOptions& options)
    : weight_(register_parameter("weight", at::empty({options.out, options.in}),
                                 /*requires_grad=*/false)) {
  if (options.bias) bias_ = register_parameter("bias", at::empty({options.out}), false);
}

at::Tensor LinearImpl::forward(const at::Tensor& input) {
  return at::linear(input, weight_, bias_);
}

Conv2dImpl::Conv2dImpl(const Conv2dOptions& options)
    : options_(options),
      weight_(register_parameter(
          "weight",
          at::empty({options.out, options.in, options.kernel, options.kernel},
                    at::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast)),
          /*requires_grad=*/false)) {
  if (options.bias) bias_ = register_parameter("bias", at::empty({options.out}), false);
}

at::Tensor Conv2dImpl::forward(const at::Tensor& features) {
  if (options_.kernel == 1) {
    // With the channels last this is a linear layer, for which CPUs have the better
    // code: ATen's convolution would copy the features into another layout first.
    assert(options_.stride == 1 && options_.padding == 0);
    return at::linear(features.permute({0, 2, 3, 1}), weight_.flatten(1), bias_)
        .permute({0, 3, 1, 2});
  }
  if (!IsForWinograd(features)) {
    return at::conv2d(features, weight_, bias_, options_.stride, options_.padding);
  }
  std::call_once(transformed_, [this] { winograd_weight_ = TransformConv3x3Weight(weight_); });
  return WinogradConv3x3(features, winograd_weight_, bias_);
}

bool Conv2dImpl::IsForWinograd(const at::Tensor& features) const {
  const bool fits = options_.kernel == 3 && options_.stride == 1 && options_.padding == 1 &&
                    options_.bias && features.is_cpu() && features.scalar_type() == at::kFloat;
  return fits && PaysWinograd(options_.in, options_.out, features.size(2), features.size(3));
}

Conv2d Conv3x3(std::int64_t in, std::int64_t out) {
  return Conv2d(Conv2dOptions{.in = in, .out = out, .kernel = 3, .padding = 1});
}

EmbeddingImpl::EmbeddingImpl(std::int64_t rows, std::int64_t width)
    : weight_(register_parameter("weight", at::empty({rows, width}), /*requires_grad=*/false)) {}

at::Tensor EmbeddingImpl::forward(const at::Tensor& ids) { return at::embedding(weight_, ids); }

}  // namespace upscaler
