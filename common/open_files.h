// How many files and connections the process may have open.

#pragma once

namespace upscaler {

// Raises the limit as far as the system lets an ordinary process. It is often 1,024 at
// first, for programs that use select(); each connection counts. Best done before there are
// connections.
void RaiseOpenFileLimit();

}  // namespace upscaler
