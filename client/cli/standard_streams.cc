#include "client/cli/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace upscaler {

void HoldStandardStreams() {
  // The lowest number that is free is what open gives: those below are in use.
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (::fcntl(stream, F_GETFD) < 0) ::open("/", O_PATH | O_DIRECTORY);
  }
}

}  // namespace upscaler
