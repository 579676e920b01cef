// From a checkpoint's names to our modules' names.
//
// Checkpoints of one model are spelled in several ways, depending on the version
// of the library that saved them. Modules know one spelling; the others end here.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace upscaler {

// The module's name of the tensor that the checkpoint calls `name`; nothing if
// the module has no use for it.
using RenameRule = std::optional<std::string> (*)(std::string_view name);

// As it stands.
std::optional<std::string> KeepName(std::string_view name);

// Without the prefix `text_model.`, which older checkpoints have. `position_ids`
// (0, 1, 2...), which some of them store, is not used.
std::optional<std::string> TextEncoderName(std::string_view name);

// The attention's query, key, value and proj_attn are to_q, to_k, to_v and
// to_out.0.
std::optional<std::string> VaeName(std::string_view name);

}  // namespace upscaler
