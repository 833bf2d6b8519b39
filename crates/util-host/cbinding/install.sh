#!/bin/sh
# Installs the C library: install.sh PREFIX [LIBRARY-DIRECTORY]. The second is where cargo has put the libraries.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=${1:?usage: install.sh PREFIX [LIBRARY-DIRECTORY]}
libraries=${2:-$here/../../../target/release}
mkdir -p "$prefix/include" "$prefix/lib/pkgconfig"
cp "$here/include/caliptra_util_host.h" "$here/include/caliptra_plugin.h" "$prefix/include/"
cp "$libraries/libcaliptra_util_host.a" "$libraries/libcaliptra_util_host.so" "$prefix/lib/"
sed "s|@prefix@|$prefix|" "$here/caliptra-util-host.pc.in" >"$prefix/lib/pkgconfig/caliptra-util-host.pc"
