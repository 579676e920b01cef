// The files with which a door proves who it is, and what it asks of its clients.
//
// gRPC and GnuTLS read them when the first client comes, and say little about what they
// find. So they are looked at when the program starts, while somebody is there to mend them.

#pragma once

#include <string>

#include <absl/status/status.h>

namespace upscaler {

// Paths of files in PEM. All empty: no TLS.
struct TlsFiles {
  std::string certificate{};  // The server's own first, then those that vouch for it.
  std::string private_key{};  // Of the server's certificate; without a passphrase.
  // Who vouches for clients: then only clients with a certificate are served. Empty: none is
  // asked for.
  std::string client_ca{};
};

// Whether the files can be read and fit together. kFailedPrecondition, naming the setting and
// the file, where they do not. Requires that there is TLS.
absl::Status CheckTlsFiles(const TlsFiles& files);

}  // namespace upscaler
