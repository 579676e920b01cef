// The parameters that follow the value of a header: boundary of Content-Type, name of
// Content-Disposition. Clients quote them or not, with and without blanks.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace upscaler {

// The parameter called `name`, in any case, of a header such as
// `form-data; name="image"; filename=in.png`, without its quotes; the first where there are
// several. Nullopt where there is none, or where its quotes do not end.
//
// In quotes, \" and \\ stand for one character. Any other backslash is itself, as browsers
// do not escape those of a file's name; what they write as %22 stays so.
std::optional<std::string> HeaderParameter(std::string_view header, std::string_view name);

}  // namespace upscaler
