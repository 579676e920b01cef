#!/usr/bin/env bash
# Installs what an image has of Debian 12 besides the base, and nothing more: no
# recommendations, and no package lists or archives left behind. The Dockerfile runs it, and so
# does root_test.sh, which tries what comes out.
#
#   install_packages.sh server     what the programs are linked with
#   install_packages.sh weights    what fetch_weights.sh calls
set -euo pipefail

case ${1:-} in
  server)
    # Libraries, and whom to trust where a program is a client with TLS.
    packages=(
      libgrpc++1.51 libprotobuf32 libabsl20220623
      libvips42 liblcms2-2 libmicrohttpd12 libgnutls30
      libprometheus-cpp-core1.0 libprometheus-cpp-pull1.0
      libspdlog1.10 libfmt9 libicu72 libssl3 zlib1g libstdc++6
      ca-certificates
    )
    ;;
  weights)
    packages=(curl ca-certificates)
    ;;
  *)
    echo "install_packages: '${1:-}' given; server or weights is wanted" >&2
    exit 2
    ;;
esac

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y install --no-install-recommends "${packages[@]}"
apt-get clean
rm -rf /var/lib/apt/lists/*
