#!/bin/sh
# Installs the Debian packages that Waybill needs and that are missing here: Debian 12 (bookworm) and 13 (trixie).
# Nothing is asked of the network when all are there. `install.sh build` installs only what building needs; `test`, `lint`
# and `fuzz` add what these targets of the makefile need.
set -eu

# PACKAGE, then a command that succeeds if what we need of it is there, whichever package brought it.
for_building='
gcc                  command -v gcc
make                 command -v make
pkg-config           command -v pkg-config
libc6-dev            test -e /usr/include/stdio.h
libpq-dev            pkg-config --exists libpq
librdkafka-dev       pkg-config --exists rdkafka
libyajl-dev          pkg-config --exists yajl
libmicrohttpd-dev    pkg-config --exists libmicrohttpd
libulfius-dev        pkg-config --exists libulfius libcurl
libsodium-dev        pkg-config --exists libsodium
libzint-dev          test -e /usr/include/zint.h
check                pkg-config --exists check
python3              test -x /usr/bin/python3
'
for_running='
postgresql           ls /usr/lib/postgresql/*/bin/initdb
default-jre-headless java_is_new_enough
maven                command -v mvn
ca-certificates      test -e /etc/ssl/certs/ca-certificates.crt
kcat                 command -v kcat
curl                 command -v curl
python3-venv         /usr/bin/python3 -c "import ensurepip"
passwd               test -x /usr/sbin/useradd
'
for_testing='
golang-go            command -v go || test -x /usr/local/go/bin/go
spin                 command -v spin
'
for_lint='
clang-format         command -v clang-format
'
for_fuzz='
clang                ls /usr/bin/clang-[0-9][0-9]
libclang-rt-dev      ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
'

# Kafka needs Java 17.
java_is_new_enough() {
    version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge 17 ]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        echo "install.sh: missing:$missing; run this as root, or install sudo" >&2
        exit 1
    fi
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" > /dev/null
}

# On Debian 13, libulfius-dev wants libcurl's GnuTLS headers and librdkafka-dev its OpenSSL headers, which exclude each
# other, although the libraries get along. Then we install all that the second one needs but its libcurl, and take its
# headers and its link for the linker out of the package into /usr/local.
take_headers() { # PACKAGE
    depends=$(apt-cache show --no-all-versions "$1" | sed -n 's/^Depends: //p' | tr ',' '\n' | sed 's/[(|].*//' |
        grep -v libcurl)
    # shellcheck disable=SC2086 # a list of words
    apt_get install --no-remove $depends
    folder=$(mktemp -d)
    (cd "$folder" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$1" && dpkg-deb -x ./*.deb .)
    system=$(dirname "$(find "$folder/usr/lib" -name pkgconfig)" | sed "s|^$folder||")
    as_root mkdir -p /usr/local/include /usr/local/lib/pkgconfig
    as_root cp -r "$folder"/usr/include/. /usr/local/include
    for link in "$folder$system"/*.so; do
        as_root ln -sf "$system/$(readlink "$link")" "/usr/local/lib/$(basename "$link")"
    done
    sed -i -e 's|^prefix=.*|prefix=/usr/local|' -e 's|^libdir=.*|libdir=/usr/local/lib|' \
        -e 's|^includedir=.*|includedir=/usr/local/include|' "$folder$system"/pkgconfig/*.pc
    as_root cp "$folder$system"/pkgconfig/*.pc /usr/local/lib/pkgconfig
    rm -r "$folder"
    echo "Put the headers of $1 into /usr/local."
}

case ${1:-} in
    build) needed=$for_building ;;
    test) needed=$for_building$for_running$for_testing ;;
    lint) needed=$for_building$for_running$for_lint ;;
    fuzz) needed=$for_building$for_running$for_fuzz ;;
    *) needed=$for_building$for_running ;;
esac

missing=$(echo "$needed" | while read -r package condition; do
    if [ -n "$package" ] && ! eval "$condition" > /dev/null 2>&1; then
        printf ' %s' "$package"
    fi
done)

if [ -n "$missing" ]; then
    echo "Installing$missing ..."
    apt_get update
    plain=
    for package in $missing; do
        case $package in
            libulfius-dev | librdkafka-dev) ;;
            *) plain="$plain $package" ;;
        esac
    done
    # shellcheck disable=SC2086 # a list of words
    apt_get install --no-remove $plain
    for package in libulfius-dev librdkafka-dev; do
        case $missing in
            *$package*)
                if apt_get install --no-remove --simulate "$package" 2> /dev/null; then
                    apt_get install --no-remove "$package"
                else
                    take_headers "$package"
                fi
                ;;
        esac
    done
fi
