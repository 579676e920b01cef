// CLIP's tokenizer: a prompt to the fixed number of ids that the text encoder
// reads.
//
// It gives the ids that the reference (transformers' CLIPTokenizer) gives, for
// any text: a prompt must mean here what it means where prompts are tried out.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/models/tokenizer/byte_pair_encoder.h"
#include "worker/models/tokenizer/tokenizer_files.h"

namespace upscaler {

struct TokenizedPrompt {
  // max_length() of them: start of text, the prompt's, end of text, padding.
  std::vector<std::int64_t> ids;
  // How many the whole prompt has, without start and end.
  std::size_t token_count = 0;
  // The words that did not fit, from the first that is not there to its end, in
  // lower case; empty if all did.
  std::string cut_text;
};

// Immutable; thread-safe.
class ClipTokenizer {
 public:
  // Loads the tokenizer of a folder: tokenizer.json, or vocab.json and
  // merges.txt. kFailedPrecondition naming the file and what is wrong with it.
  static absl::StatusOr<ClipTokenizer> Load(const std::filesystem::path& folder);

  // Any bytes will do; what is not UTF-8 counts as U+FFFD. Takes time in
  // proportion to the length, up to a logarithm.
  TokenizedPrompt Tokenize(std::string_view prompt) const;

  // The ids of a prompt, padding and all.
  std::int64_t max_length() const { return max_length_; }
  // The id that ends a prompt, in which the text encoder looks for its summary.
  std::int64_t end_of_text() const { return special_.end_of_text; }
  // Every id is below this.
  std::int64_t vocabulary_size() const { return vocabulary_size_; }

 private:
  // What becomes ids by itself: a word, or a token that stands in the text.
  struct Piece {
    std::string text;
    std::vector<std::int64_t> ids;
  };

  ClipTokenizer(const TokenizerFiles& files, BytePairEncoder encoder);

  std::vector<Piece> Pieces(std::string_view prompt) const;

  BytePairEncoder encoder_;
  SpecialTokens special_;
  // Looked for in the text as it is, and in the text as it is normalized.
  std::vector<AddedToken> raw_tokens_;
  std::vector<AddedToken> normalized_tokens_;
  std::int64_t max_length_;
  std::int64_t vocabulary_size_;
};

}  // namespace upscaler
