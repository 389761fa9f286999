#!/usr/bin/env bash
# Installs the Debian package in a fresh Debian, boots that with systemd in a container, and uses it: packaging/trial.sh.
# `make try-deb` calls this; it takes about two minutes, and two more the first time. Nothing of this machine is
# changed but the folder that is given.
#
#   packaging/try-deb.sh PACKAGE FOLDER      FOLDER keeps the fresh Debian for the next time
#
# SUITE    which Debian; that of this machine
# MIRROR   where its packages are
set -euo pipefail

fail() { echo "try-deb: $*" >&2; exit 1; }

[ $# = 2 ] || fail "give the package and a folder: packaging/try-deb.sh PACKAGE FOLDER"
[ "$(id -u)" = 0 ] || fail "only root can install a Debian and boot it: sudo make try-deb"
for program in debootstrap systemd-nspawn lintian; do
    command -v $program >/dev/null || fail "$program is missing: apt-get install debootstrap systemd-container lintian"
done
package=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
mkdir -p "$2"
folder=$(realpath "$2")
suite=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
mirror=${MIRROR:-http://deb.debian.org/debian}

# What such a package gets wrong. It is not for Debian's archive, and a maintainer's address comes with a release.
lintian --allow-root --fail-on error,warning --suppress-tags \
    bogus-mail-host,bogus-mail-host-in-debian-changelog,initial-upload-closes-no-bugs,missing-systemd-timer-for-cron-script \
    "$package"

# A fresh Debian, with the programs that show whether man pages, completions, units and cron entries work.
base=$folder/$suite.tar
root=$folder/root
remove() { rm -rf --one-file-system "$root"; }
remove
trap remove EXIT
if [ ! -e "$base" ]; then
    echo "Getting Debian $suite from $mirror"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,cron,man-db,bash-completion,zsh,fish \
        "$suite" "$root" "$mirror" >"$folder/debootstrap.log" 2>&1 || fail "debootstrap failed: see $folder/debootstrap.log"
    tar -C "$root" -cf "$base.new" . && mv "$base.new" "$base"
    remove
fi
mkdir "$root"
tar -C "$root" -xf "$base"
cp /etc/resolv.conf "$root/etc/resolv.conf"

echo "Installing $(basename "$package")"
install -d "$root/root/trial"
cp "$package" "$root/root/trial/stint.deb"
chroot "$root" sh -ec '
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends /root/trial/stint.deb >/root/trial/install.log 2>&1 || {
        cat /root/trial/install.log; exit 1; }
    rm -rf /var/lib/apt/lists/*'

# The next version, to upgrade to: the same files and a higher number.
next=$folder/next
rm -rf "$next"
dpkg-deb -R "$package" "$next"
sed -i 's/^Version: .*/&+next/' "$next/DEBIAN/control"
dpkg-deb --root-owner-group -Znone -b "$next" "$root/root/trial/next.deb" >/dev/null
rm -rf "$next"

install -m 755 "$here/trial.sh" "$root/root/trial/trial.sh"
cat >"$root/etc/systemd/system/trial.service" <<'END'
[Unit]
After=multi-user.target cron.service
SuccessAction=exit-force
FailureAction=exit-force
SuccessActionExitStatus=0
FailureActionExitStatus=1

[Service]
Type=oneshot
ExecStart=/root/trial/trial.sh
StandardOutput=truncate:/root/trial/output
StandardError=inherit
TimeoutStartSec=300

[Install]
WantedBy=default.target
END
chroot "$root" systemctl -q enable trial.service

# Two boots: what is enabled and queued must outlive the machine.
for boot in first second; do
    echo "The $boot boot"
    echo "$boot" >"$root/root/trial/boot"
    code=0
    timeout 400 systemd-nspawn --quiet --directory="$root" --machine=stint-trial --register=no --keep-unit \
        --private-network --console=pipe --boot >"$folder/$boot-boot.log" 2>&1 </dev/null || code=$?
    sed 's/^/    /' "$root/root/trial/output" || true
    [ $code = 0 ] || fail "the $boot boot failed ($code); what systemd said is in $folder/$boot-boot.log"
done
echo "The package works"
