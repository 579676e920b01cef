// What a tokenizer's folder says, in whichever form it was saved.
//
// The published model has the older form: vocab.json, merges.txt. Libraries of
// today save the same as tokenizer.json. Which ids are special is written in yet
// other files, in several ways.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/models/tokenizer/byte_pair_encoder.h"

namespace upscaler {

// Text that is one token wherever it stands in a prompt.
struct AddedToken {
  std::string text;
  std::int64_t id = 0;
  bool normalized = false;  // Looked for in the normalized text, not in the raw.
};

struct SpecialTokens {
  std::int64_t start_of_text = 0;
  std::int64_t end_of_text = 0;
  std::int64_t padding = 0;
  std::int64_t unknown = 0;
};

struct TokenizerFiles {
  Vocabulary vocabulary;
  Merges merges;
  std::vector<AddedToken> added_tokens;
  SpecialTokens special;
  std::int64_t max_length = 77;
  std::int64_t vocabulary_size = 0;  // Every id is below this.
};

// Reads the folder: tokenizer.json where it is there, otherwise vocab.json and
// merges.txt; and where they are there, tokenizer_config.json and
// special_tokens_map.json. kFailedPrecondition naming the file and what is wrong.
absl::StatusOr<TokenizerFiles> ReadTokenizerFiles(const std::filesystem::path& folder);

}  // namespace upscaler
