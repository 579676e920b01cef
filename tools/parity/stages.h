// Every stage of an upscale, computed again and compared.

#pragma once

#include <vector>

#include "tools/parity/comparison.h"
#include "tools/parity/golden.h"
#include "worker/models/pipeline/pipeline.h"

namespace upscaler {

// Computes the golden's upscale from its prompts and its picture, each stage from
// what the stages before it gave, and compares with every tensor that the golden
// has, in the order of the work: the first that is too far shows where the fault
// is. Throws what LibTorch throws. The caller holds a c10::InferenceMode.
std::vector<Comparison> CompareStages(const Pipeline& pipeline, const Golden& golden);

}  // namespace upscaler
