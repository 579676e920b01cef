#include "worker/models/tokenizer/clip_tokenizer.h"

#include <algorithm>
#include <utility>

#include "common/status_macros.h"
#include "worker/models/tokenizer/prompt_text.h"

namespace upscaler {
namespace {

// A stretch of text, and the token that it is, unless it is plain text.
struct Segment {
  std::string_view text;
  const AddedToken* token;
};

// The longest of `tokens` with which `text` begins; null if there is none.
const AddedToken* TokenAtStart(std::string_view text, const std::vector<AddedToken>& tokens) {
  const AddedToken* longest = nullptr;
  for (const AddedToken& token : tokens) {
    if (!text.starts_with(token.text)) continue;
    if (longest == nullptr || token.text.size() > longest->text.size()) longest = &token;
  }
  return longest;
}

// Cuts out of `text` every one of `tokens`, from left to right.
std::vector<Segment> SplitAtTokens(std::string_view text, const std::vector<AddedToken>& tokens) {
  std::vector<Segment> segments;
  std::size_t plain_start = 0;
  std::size_t position = 0;
  while (position < text.size()) {
    const AddedToken* token = TokenAtStart(text.substr(position), tokens);
    if (token == nullptr) {
      ++position;
      continue;
    }
    segments.push_back({text.substr(plain_start, position - plain_start), nullptr});
    segments.push_back({text.substr(position, token->text.size()), token});
    position += token->text.size();
    plain_start = position;
  }
  segments.push_back({text.substr(plain_start), nullptr});
  return segments;
}

}  // namespace

absl::StatusOr<ClipTokenizer> ClipTokenizer::Load(const std::filesystem::path& folder) {
  UPSCALER_ASSIGN_OR_RETURN(const TokenizerFiles files, ReadTokenizerFiles(folder));
  UPSCALER_ASSIGN_OR_RETURN(
      BytePairEncoder encoder,
      BytePairEncoder::Create(files.vocabulary, files.merges, files.special.unknown));
  return ClipTokenizer(files, std::move(encoder));
}

ClipTokenizer::ClipTokenizer(const TokenizerFiles& files, BytePairEncoder encoder)
    : encoder_(std::move(encoder)),
      special_(files.special),
      max_length_(files.max_length),
      vocabulary_size_(files.vocabulary_size) {
  for (const AddedToken& token : files.added_tokens) {
    if (token.normalized) {
      normalized_tokens_.push_back({NormalizeText(token.text), token.id, true});
    } else {
      raw_tokens_.push_back(token);
    }
  }
}

TokenizedPrompt ClipTokenizer::Tokenize(std::string_view prompt) const {
  const auto length = static_cast<std::size_t>(max_length_);
  const std::size_t room = length - 2;  // Without start and end.
  TokenizedPrompt result;
  result.ids.push_back(special_.start_of_text);
  for (const Piece& piece : Pieces(prompt)) {
    result.ids.insert(result.ids.end(), piece.ids.begin(), piece.ids.end());
    if (result.ids.size() - 1 <= room) continue;
    if (!result.cut_text.empty()) result.cut_text += ' ';
    result.cut_text += piece.text;
  }
  result.token_count = result.ids.size() - 1;
  result.ids.resize(std::min(result.ids.size(), 1 + room));
  result.ids.push_back(special_.end_of_text);
  result.ids.resize(length, special_.padding);
  return result;
}

std::vector<ClipTokenizer::Piece> ClipTokenizer::Pieces(std::string_view prompt) const {
  std::vector<Piece> pieces;
  const auto add_token = [&](const Segment& segment) {
    pieces.push_back({std::string(segment.text), {segment.token->id}});
  };
  for (const Segment& raw : SplitAtTokens(prompt, raw_tokens_)) {
    if (raw.token != nullptr) {
      add_token(raw);
      continue;
    }
    const std::string normalized = NormalizeText(raw.text);
    for (const Segment& segment : SplitAtTokens(normalized, normalized_tokens_)) {
      if (segment.token != nullptr) {
        add_token(segment);
        continue;
      }
      for (std::string& word : SplitWords(segment.text)) {
        std::vector<std::int64_t> ids = encoder_.Encode(word);
        pieces.push_back({std::move(word), std::move(ids)});
      }
    }
  }
  return pieces;
}

}  // namespace upscaler
