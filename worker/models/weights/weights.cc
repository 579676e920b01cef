#include "worker/models/weights/weights.h"

#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include <absl/status/status.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/json_fields.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

namespace fs = std::filesystem;

bool Exists(const fs::path& path) {
  std::error_code ignored;  // What cannot be looked at is as good as absent.
  return fs::exists(path, ignored);
}

// Whether the folder holds weights as pickles. Those can run code when they are
// read, so they are only looked for to explain why they do not count.
bool HasPickles(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".bin") return true;
  }
  return false;
}

// A shard's name comes from a file that anybody may have written, and must not
// lead out of the folder.
bool IsPlainFileName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

// Opens every shard that the index names, and holds that each tensor is in the
// shard where the index says it is.
absl::StatusOr<Weights> OpenShards(const fs::path& folder, const fs::path& index_path) {
  UPSCALER_ASSIGN_OR_RETURN(const JsonFields index, JsonFields::ReadFile(index_path.string()));
  const auto refuse = [&](std::string_view problem) {
    return absl::FailedPreconditionError(fmt::format("{}: {}", index.origin(), problem));
  };
  const auto map = index.object().find("weight_map");
  if (map == index.object().end() || !map->is_object()) return refuse("has no 'weight_map'");

  std::map<std::string, NamedTensors> shards;
  for (const auto& [name, shard] : map->items()) {
    if (!shard.is_string() || !IsPlainFileName(shard.get_ref<const std::string&>())) {
      return refuse(fmt::format("the shard of tensor '{}' is not a plain file name", name));
    }
    const auto& shard_name = shard.get_ref<const std::string&>();
    if (!shards.contains(shard_name)) {
      UPSCALER_ASSIGN_OR_RETURN(SafetensorsFile file, OpenSafetensors(folder / shard_name));
      shards.emplace(shard_name, std::move(file.tensors));
    }
    if (!shards.at(shard_name).contains(name)) {
      return refuse(fmt::format("tensor '{}' is not in {}, where it should be", name, shard_name));
    }
  }

  Weights weights{folder, {}};
  for (auto& [shard_name, tensors] : shards) {
    weights.tensors.merge(tensors);
    if (!tensors.empty()) {
      return refuse(fmt::format("tensor '{}' is in {} and in another shard", tensors.begin()->first,
                                shard_name));
    }
  }
  return weights;
}

absl::StatusOr<Weights> OpenFile(const fs::path& folder, const fs::path& path) {
  UPSCALER_ASSIGN_OR_RETURN(SafetensorsFile file, OpenSafetensors(path));
  return Weights{folder, std::move(file.tensors)};
}

// The weights in one variant ("" is the plain one); nothing if there are none.
std::optional<absl::StatusOr<Weights>> OpenVariant(const fs::path& folder, std::string_view stem,
                                                   std::string_view variant) {
  const std::string infix = variant.empty() ? "" : fmt::format(".{}", variant);
  const fs::path file = folder / fmt::format("{}{}.safetensors", stem, infix);
  if (Exists(file)) return OpenFile(folder, file);
  // Both places of the variant are in use: the libraries write the first.
  for (const auto& name : {fmt::format("{}.safetensors.index{}.json", stem, infix),
                           fmt::format("{}{}.safetensors.index.json", stem, infix)}) {
    if (Exists(folder / name)) return OpenShards(folder, folder / name);
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Weights> OpenWeights(const fs::path& folder, std::string_view stem,
                                    std::string_view variant) {
  if (auto weights = OpenVariant(folder, stem, variant)) return *std::move(weights);
  if (variant.empty()) {
    if (auto weights = OpenVariant(folder, stem, "fp16")) return *std::move(weights);
  }
  const std::string wanted = variant.empty() ? fmt::format("{}.safetensors", stem)
                                             : fmt::format("{}.{}.safetensors", stem, variant);
  if (HasPickles(folder)) {
    return absl::FailedPreconditionError(fmt::format(
        "{} has weights as .bin, which is not read, wanted {}", folder.string(), wanted));
  }
  return absl::FailedPreconditionError(
      fmt::format("{} has no weights, wanted {}", folder.string(), wanted));
}

}  // namespace upscaler
