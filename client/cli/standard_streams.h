// Keeps the numbers of the standard streams from files that are none.

#pragma once

namespace upscaler {

// Where a shell has closed one of them (`upscale ... >&-`), the next file that is opened
// would have its number: what is printed would go into a picture, or to the server.
// Instead its number is given to a file that can be neither read nor written, as is to be
// expected of a closed stream. To be called before any file is opened.
void HoldStandardStreams();

}  // namespace upscaler
