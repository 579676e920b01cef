// One step from a noise level to the next, around a call of the UNet.
//
// The UNet sees its input scaled to unit variance and predicts a mix of picture
// and noise (Karras et al. 2022, table 1, for data of variance 1); these functions
// go there and back, and the step is Euler's. They are pure and take one row each,
// because rows that share a call of the UNet are at noise levels of their own.
//
// Latents keep their dtype. The order of the operations, and where they round to
// that dtype, are the reference's (diffusers).

#pragma once

#include <ATen/core/Tensor.h>

namespace upscaler {

// What the UNet is told of the noise level: a quarter of its logarithm.
float NoiseCondition(float sigma);

// The latents as the UNet's input. latents [1, C, H, W] -> the same shape
at::Tensor ScaleInput(const at::Tensor& latents, float sigma);

// What of the latents and what of the UNet's output makes the picture that it sees.
struct Preconditioning {
  float keep = 0;
  float take = 0;
};
Preconditioning PreconditioningOf(float sigma);

// The picture that the UNet sees in the noise, of P passes.
// latents [1, C, H, W], output [P, C, H, W] -> [P, C, H, W]
at::Tensor Denoised(const at::Tensor& latents, const at::Tensor& output, float sigma);

// Classifier-free guidance: from the negative prompt's picture towards, and at a
// scale above 1 beyond, the prompt's.
// denoised [2, C, H, W], the negative prompt's first -> [1, C, H, W]
at::Tensor Guide(const at::Tensor& denoised, double scale);

// The latents at the next noise level. Computed in float.
// latents, denoised [1, C, H, W] -> [1, C, H, W]
at::Tensor EulerStep(const at::Tensor& latents, const at::Tensor& denoised, float sigma,
                     float next_sigma);

}  // namespace upscaler
