#include "gateway/accept.h"

#include <algorithm>
#include <iterator>

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "gateway/http_message.h"

namespace upscaler {
namespace {

struct Offer {
  std::string_view type;
  AnswerForm form{};
};

constexpr Offer kOffers[] = {
    {"application/json"},
    {"application/*"},
    {"*/*"},
    {"text/event-stream", {.events = true}},
    {"image/png", {.image = v1::IMAGE_FORMAT_PNG}},
    {"image/jpeg", {.image = v1::IMAGE_FORMAT_JPEG}},
    {"image/webp", {.image = v1::IMAGE_FORMAT_WEBP}},
    {"image/tiff", {.image = v1::IMAGE_FORMAT_TIFF}},
    {"image/avif", {.image = v1::IMAGE_FORMAT_AVIF}},
};

// Null where nothing of that type is offered.
const Offer* FindOffer(std::string_view type) {
  const auto* const found = std::ranges::find(kOffers, type, &Offer::type);
  return found == std::end(kOffers) ? nullptr : found;
}

// The weight of "image/png;q=0.5"; 1 where none can be read.
double WeightOf(absl::string_view range) {
  for (absl::string_view parameter : absl::StrSplit(range, ';')) {
    parameter = absl::StripAsciiWhitespace(parameter);
    double weight = 0;
    if (absl::ConsumePrefix(&parameter, "q=") && absl::SimpleAtod(parameter, &weight)) {
      return weight;
    }
  }
  return 1;
}

}  // namespace

AnswerForm AcceptedForm(std::string_view accept) {
  AnswerForm best;
  double most = 0;
  for (const auto range : absl::StrSplit(absl::string_view(accept.data(), accept.size()), ',')) {
    const Offer* const offer = FindOffer(MediaType({range.data(), range.size()}));
    const double weight = WeightOf(range);
    if (offer == nullptr || !(weight > most)) continue;
    best = offer->form;
    most = weight;
  }
  return best;
}

}  // namespace upscaler
