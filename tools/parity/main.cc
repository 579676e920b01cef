// parity: how far this build's model is from the reference's, stage by stage.

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/status/statusor.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include "common/status_macros.h"
#include "tools/parity/comparison.h"
#include "tools/parity/golden.h"
#include "tools/parity/stages.h"
#include "worker/kernels/device/catch_torch.h"
#include "worker/models/pipeline/checkpoint.h"
#include "worker/models/pipeline/pipeline.h"

namespace upscaler {
namespace {

struct Options {
  std::filesystem::path model;
  std::filesystem::path golden;
  std::filesystem::path image;
};

absl::StatusOr<std::vector<Comparison>> RunComparison(const Options& options) {
  const c10::InferenceMode inference;
  UPSCALER_ASSIGN_OR_RETURN(Checkpoint checkpoint, LoadCheckpoint(options.model, {}));
  UPSCALER_ASSIGN_OR_RETURN(const Golden golden, ReadGolden(options.golden, options.image));
  return CompareStages(Pipeline(std::move(checkpoint)), golden);
}

}  // namespace
}  // namespace upscaler

int main(int argc, char** argv) {
  upscaler::Options options;
  CLI::App app("Computes a golden's upscale again and compares every stage.", "parity");
  app.add_option("--model", options.model, "Folder of the model that the golden is of")->required();
  app.add_option("--golden", options.golden, "File that tools/reference made")->required();
  app.add_option("--image", options.image, "The golden's picture, where it has left it out");
  app.footer("Exit codes: 0 all stages agree; 1 one does not, or there was nothing to compare.");
  CLI11_PARSE(app, argc, argv);

  const auto caught = upscaler::CatchTorch([&] { return upscaler::RunComparison(options); });
  const absl::Status status = caught.ok() ? caught->status() : caught.status();
  if (!status.ok()) {
    std::cerr << "parity: " << status.message() << "\n";
    return 1;
  }
  const std::vector<upscaler::Comparison>& comparisons = **caught;
  std::cout << upscaler::FormatTable(comparisons);
  const bool agree = std::all_of(comparisons.begin(), comparisons.end(),
                                 [](const auto& comparison) { return comparison.Holds(); });
  return agree && !comparisons.empty() ? 0 : 1;
}
