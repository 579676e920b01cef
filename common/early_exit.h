// The end of a program before it has begun: after --help, or a mistake on its command line.

#pragma once

#include <string>

namespace upscaler {

// A request for help or the version, or a mistake: print `text` and exit.
struct EarlyExit {
  int code = 0;  // 0 for help and version, 2 for a mistake.
  std::string text;
};

}  // namespace upscaler
