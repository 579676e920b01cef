#include "common/open_files.h"

#include <sys/resource.h>

namespace upscaler {

void RaiseOpenFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // Where it fails, the old limit holds.
}

}  // namespace upscaler
