#!/usr/bin/env bash
# Makes the Debian package of a `stint` that was built with --static-swift-stdlib; `make deb` calls it.
#
#   packaging/build-deb.sh STINT GENERATE_MANUAL NOTICES FOLDER
#
# STINT            the binary
# GENERATE_MANUAL  swift-argument-parser's tool, which makes man pages of what the binary says about itself
# NOTICES          a folder with the sources of the packages that are linked into the binary, for their NOTICE.txt
# FOLDER           where stint_VERSION_ARCHITECTURE.deb is put
#
# DEB_REVISION     the revision of the package, if it changes and Stint does not; 1
# DEBFULLNAME, DEBEMAIL   the maintainer
set -euo pipefail

stint=$(realpath "$1") generate_manual=$(realpath "$2") notices=$(realpath "$3") folder=$(realpath "$4")
cd "$(dirname "$0")/.."
version=$("$stint" --version | cut -d ' ' -f 2)-${DEB_REVISION:-1}
architecture=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-The Stint authors} <${DEBEMAIL:-stint@localhost}>"
# The same sources give the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/debian/stint
documentation=$root/usr/share/doc/stint
mkdir -p "$root/DEBIAN"

# The program.
install -D -m 755 "$stint" "$root/usr/bin/stint"
strip --remove-section=.comment --remove-section=.note "$root/usr/bin/stint"

# Man pages. The tool names them stint.put.1; Debian's users look for stint-put(1).
mkdir -p "$work/man" "$root/usr/share/man/man1"
"$generate_manual" "$stint" --multi-page --date "$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)" --output-directory "$work/man"
for page in "$work"/man/stint*.1; do
    name=$(basename "$page")
    case $name in stint.help.1) continue ;; stint.1) ;; *) name=$(sed 's/\./-/g; s/-1$/.1/' <<<"$name") ;; esac
    packaging/man-page.awk "$page" >"$root/usr/share/man/man1/$name"
done
gzip -9 -n "$root"/usr/share/man/man1/*

# Completions. Shells source them, so they need no line that names an interpreter.
completion() { mkdir -p "$root/$(dirname "$2")" && "$stint" --generate-completion-script "$1" | sed '1{/^#!/d}' >"$root/$2"; }
completion bash usr/share/bash-completion/completions/stint
completion zsh usr/share/zsh/vendor-completions/_stint
completion fish usr/share/fish/vendor_completions.d/stint.fish

# The units, the reaper and the folder of their configuration: the same files that the examples explain.
install -D -m 644 Examples/systemd/stint@.service "$root/lib/systemd/system/stint@.service"
install -D -m 644 Examples/cron/stint-reap "$root/etc/cron.d/stint"
mkdir -p "$root/etc/stint"

# Documentation.
install -D -m 644 -t "$documentation/examples" Examples/systemd/{mail.conf,serve.json,stint-serve.service}
install -D -m 644 Examples/systemd/README.md "$documentation/README.systemd.md"
install -m 644 README.md docs/backup.md docs/glossary.md docs/pipe-protocol.md docs/sql.md "$documentation"
install -m 644 packaging/debian/copyright "$documentation"
for notice in "$notices"/*/NOTICE.txt; do
    install -m 644 "$notice" "$documentation/NOTICE.$(basename "$(dirname "$notice")")"
done
install -m 644 CHANGELOG.md "$documentation/changelog"
cat >"$documentation/changelog.Debian" <<END
stint ($version) unstable; urgency=medium

  * See changelog.gz.

 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
END
find "$documentation" -maxdepth 1 -type f -size +4k ! -name copyright -exec gzip -9 -n {} +
gzip -9 -n -f "$documentation"/changelog.Debian

# What dpkg needs to know.
sed "s|@MAINTAINER@|$maintainer|" packaging/debian/control >"$work/debian/control"
gunzip -c "$documentation/changelog.Debian.gz" >"$work/debian/changelog"
install -m 755 -t "$root/DEBIAN" packaging/debian/{postinst,prerm,postrm}
echo /etc/cron.d/stint >"$root/DEBIAN/conffiles"
(cd "$root" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
(cd "$work" && dpkg-shlibdeps -O debian/stint/usr/bin/stint >debian/stint.substvars &&
    dpkg-gencontrol -pstint -Pdebian/stint -Tdebian/stint.substvars >/dev/null)

package=$folder/stint_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
echo "$package"
