#include "worker/models/tokenizer/prompt_text.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <utility>

#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace upscaler {
namespace {

enum class Kind { kSpace, kLetter, kDigit, kSymbol };

constexpr std::array<std::string_view, 7> kContractions = {"'s", "'t",  "'re", "'ve",
                                                           "'m", "'ll", "'d"};

// A prompt may spell these in capitals and so not mean the tokens. They are told
// from the symbols around them all the same.
constexpr std::array<std::string_view, 2> kTokenNames = {"<|startoftext|>", "<|endoftext|>"};

icu::UnicodeString FromUtf8(std::string_view text) {
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
}

// Unicode's lower case of one character by itself differs from ICU's function in
// one place: capital I with dot becomes two characters, i and the dot.
void AppendLower(UChar32 character, icu::UnicodeString& text) {
  constexpr UChar32 kCapitalIWithDot = 0x130;
  constexpr UChar32 kDotAbove = 0x307;
  if (character == kCapitalIWithDot) {
    text.append(UChar32{'i'}).append(kDotAbove);
  } else {
    text.append(u_tolower(character));
  }
}

Kind KindOf(UChar32 character) {
  switch (u_charType(character)) {
    case U_UPPERCASE_LETTER:
    case U_LOWERCASE_LETTER:
    case U_TITLECASE_LETTER:
    case U_MODIFIER_LETTER:
    case U_OTHER_LETTER:
      return Kind::kLetter;
    case U_DECIMAL_DIGIT_NUMBER:
    case U_LETTER_NUMBER:
    case U_OTHER_NUMBER:
      return Kind::kDigit;
    default:
      return u_isUWhiteSpace(character) != 0 ? Kind::kSpace : Kind::kSymbol;
  }
}

// Reads words off the front of a text.
class WordReader {
 public:
  explicit WordReader(std::string_view text) : text_(FromUtf8(text)) {}

  std::vector<std::string> ReadAll() {
    while (start_ < text_.length()) {
      if (!TakeTokenName() && !TakeContraction()) TakeRun();
    }
    return std::move(words_);
  }

 private:
  bool StartsWith(std::string_view ascii) const {
    if (text_.charAt(start_) != static_cast<char16_t>(ascii.front())) return false;
    return text_.compare(start_, static_cast<std::int32_t>(ascii.size()), FromUtf8(ascii)) == 0;
  }

  // Takes `length` code units as a word.
  void Take(std::int32_t length) {
    text_.tempSubString(start_, length).toUTF8String(words_.emplace_back());
    start_ += length;
  }

  // <|name|>, which is three words.
  bool TakeTokenName() {
    const auto* name = std::find_if(kTokenNames.begin(), kTokenNames.end(),
                                    [&](auto candidate) { return StartsWith(candidate); });
    if (name == kTokenNames.end()) return false;
    Take(2);
    Take(static_cast<std::int32_t>(name->size()) - 4);
    Take(2);
    return true;
  }

  bool TakeContraction() {
    const auto* contraction = std::find_if(kContractions.begin(), kContractions.end(),
                                           [&](auto candidate) { return StartsWith(candidate); });
    if (contraction == kContractions.end()) return false;
    Take(static_cast<std::int32_t>(contraction->size()));
    return true;
  }

  // Takes the characters of one kind, but digits one by one.
  void TakeRun() {
    const Kind kind = KindOf(text_.char32At(start_));
    std::int32_t end = text_.moveIndex32(start_, 1);
    while (kind != Kind::kDigit && end < text_.length() && KindOf(text_.char32At(end)) == kind) {
      end = text_.moveIndex32(end, 1);
    }
    if (kind == Kind::kSpace) {
      start_ = end;
    } else {
      Take(end - start_);
    }
  }

  const icu::UnicodeString text_;
  std::int32_t start_ = 0;
  std::vector<std::string> words_;
};

}  // namespace

std::string NormalizeText(std::string_view text) {
  // Neither call fails but for want of memory, or of data that are part of ICU.
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  assert(U_SUCCESS(error));
  const icu::UnicodeString composed = nfc->normalize(FromUtf8(text), error);
  assert(U_SUCCESS(error));

  icu::UnicodeString lowered;
  for (std::int32_t i = 0; i < composed.length(); i = composed.moveIndex32(i, 1)) {
    AppendLower(composed.char32At(i), lowered);
  }
  std::string normalized;
  return lowered.toUTF8String(normalized);
}

std::vector<std::string> SplitWords(std::string_view text) { return WordReader(text).ReadAll(); }

}  // namespace upscaler
