#!/usr/bin/env bash
# Makes a Debian package of AddonRace, which needs no Swift toolchain: addonrace_VERSION_ARCHITECTURE.deb in the folder named, by
# default .build-package.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install dpkg-dev fakeroot binutils

folder=${1:-.build-package}
mkdir -p "$folder"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root scripts/install.sh /usr
# What dpkg keeps a list of itself.
rm "$root/usr/share/addonrace/installed"

# "0.2.0 (1a2b3c4d)": the commit goes behind a plus, where dpkg takes it.
version=$("$root/usr/bin/addonrace" --version | sed -E 's/ \(([0-9a-f]+)\+?\)$/+\1/')
database=
if objdump -p "$root/usr/bin/addonrace" | grep -q 'NEEDED *libsqlite3'; then database=", libsqlite3-0"; fi
architecture=$(dpkg --print-architecture)
documents=$root/usr/share/doc/addonrace
# Debian's vendors have zsh completions elsewhere.
mkdir -p "$root/usr/share/zsh/vendor-completions"
mv "$root/usr/share/zsh/site-functions/_addonrace" "$root/usr/share/zsh/vendor-completions/"
rmdir "$root/usr/share/zsh/site-functions"
find "$root" -type d -exec chmod 755 {} +

cat >"$documents/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: AddonRace

Files: *
Copyright: 2026 the authors of AddonRace
License: see the project

License: see the project
 The terms are those that the project is distributed under.
END
printf 'addonrace (%s) unstable; urgency=medium\n\n  * Built from its sources.\n\n -- AddonRace <addonrace@localhost.localdomain>  %s\n' \
  "$version" "$(date -R)" | gzip -9n >"$documents/changelog.gz"

# The YAML parser carries its own libyaml. The maintainer of a package that is built at home is nobody's mail host.
mkdir -p "$root/usr/share/lintian/overrides"
cat >"$root/usr/share/lintian/overrides/addonrace" <<END
addonrace: embedded-library
addonrace: bogus-mail-host
addonrace: bogus-mail-host-in-debian-changelog
END
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<END
Package: addonrace
Version: $version
Architecture: $architecture
Maintainer: AddonRace <addonrace@localhost.localdomain>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: libc6, libgcc-s1, libstdc++6$database
Recommends: clang, binutils
Suggests: gnuplot-nox, rustc
Section: devel
Priority: optional
Description: stress-test harness and model checker for lazy allocation
 AddonRace races threads for the lazy allocation of addons with a
 compare-exchange, explores every execution that four memory models allow,
 and checks that exactly one allocation wins, that losers are freed, and that
 nothing leaks or becomes visible twice. It takes C, C++, Rust and Swift too.
END
(cd "$root" && find usr -type f -exec md5sum {} + | sort -k2) >"$root/DEBIAN/md5sums"
package=$folder/addonrace_${version}_$architecture.deb
fakeroot dpkg-deb --build --root-owner-group "$root" "$package" >/dev/null
echo "$package"
