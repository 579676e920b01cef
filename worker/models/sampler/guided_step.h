// A whole step of a picture's latents, from what the UNet has said to the next noise level.
//
// It is what Denoised, Guide and EulerStep do one after another (euler.h). By themselves they take
// a dozen passes over the latents, and on a GPU starting those takes longer than their work. So it
// is an operator of the PyTorch dispatcher, upscaler::guided_step, of which each device can have an
// implementation of its own.

#pragma once

#include <ATen/core/Tensor.h>

namespace upscaler {

// How far to go with a step.
struct StepScalars {
  float sigma = 0;
  float next_sigma = 0;
  double guidance = 1;  // Of no effect on a single pass.
};

struct GuidedStepResult {
  at::Tensor denoised;  // The picture seen in the noise.
  at::Tensor next;      // The latents at the next noise level.
};

// latents [1, C, H, W]; output [P, C, H, W] of one pass, or of two with the negative prompt's
// first -> twice [1, C, H, W], of the latents' type. Throws c10::Error where shapes do not fit.
GuidedStepResult GuidedStep(const at::Tensor& latents, const at::Tensor& output,
                            const StepScalars& scalars);

// The same by the functions of euler.h, on every device and in every layout and type.
GuidedStepResult PlainGuidedStep(const at::Tensor& latents, const at::Tensor& output,
                                 const StepScalars& scalars);

// Throws c10::Error unless these are what GuidedStep takes.
void CheckGuidedStep(const at::Tensor& latents, const at::Tensor& output);

}  // namespace upscaler
