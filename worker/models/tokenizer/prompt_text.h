// A prompt's characters: what counts as the same text, and what as a word.
//
// This is where Unicode is known, and ICU used. The rules are the reference's,
// whose normalizer and regular expressions are spelled out in code: a regular
// expression engine would be slower, and differ in what \p{L} means.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace upscaler {

// The text in Unicode's composed form (NFC) and in lower case, as UTF-8. Each
// character is lowered by itself, so a final sigma is as any other. Bytes that
// are not UTF-8 become U+FFFD. Differs from the reference in what Unicode gained
// lately: its tables are of other versions than ICU's.
std::string NormalizeText(std::string_view text);

// The words of a normalized text, from left to right: runs of letters; single
// digits; runs of what is neither letter nor digit nor space; and the contractions
// 's 't 're 've 'm 'll 'd. Spaces separate and are dropped.
std::vector<std::string> SplitWords(std::string_view text);

}  // namespace upscaler
