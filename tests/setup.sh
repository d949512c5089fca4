#!/bin/sh
# Installs what the tests need on Debian and Ubuntu; does nothing where it is there already.
# Runs as root or with sudo. No service is started: the tests start servers and whole machines of their own.
# What comes from PyPI goes below `target/`.
set -eu
cd "$(dirname "$0")/.."

missing=
need() {
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"
}

need sshd openssh-server
need ssh openssh-client
need sudo sudo
need doas opendoas
need su util-linux
need script bsdutils
need ip iproute2
need dot graphviz
need cc gcc
need make make
need perl perl
need openssl openssl
need curl curl
need wget wget
need nginx nginx-light
need git git
need busybox busybox
need zsh zsh
need fish fish
need tcsh tcsh
need systemctl systemd
need shutdown systemd-sysv
need dbus-daemon dbus
need crontab cron
need gpg gnupg
need dnf dnf
need rpmbuild rpm
need createrepo_c createrepo-c
need zypper zypper
need pacman pacman-package-manager
need bsdtar libarchive-tools
need bzip2 bzip2
need xz xz-utils
need zstd zstd
need zip zip
need unzip unzip
need getfacl acl
need getfattr attr
need locale-gen locales
need python3 python3

# Debian keeps the programs of the server out of the path; no cluster is started.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql

if ! python3 -c 'import ensurepip' 2>/dev/null; then
    missing="$missing python3-venv"
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
fi

# sshd run by root refuses to start without the folder that its service would make.
if [ "$(id -u)" -eq 0 ]; then
    mkdir -p /run/sshd
fi

# OpenRC would take the place of what starts services here: it is fetched, and only test machines unpack it.
openrc=target/openrc
missing_openrc=
ls "$openrc"/openrc_*.deb >/dev/null 2>&1 || missing_openrc=yes

install() {
    if [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; then
        echo "these packages are missing, and there is no sudo to install them:$missing" >&2
        exit 1
    fi

    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
        $as_root chmod 755 "$policy"
        trap '$as_root rm -f "$policy"' EXIT
    fi

    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    if [ -n "$missing_openrc" ]; then
        mkdir -p "$openrc"
        (cd "$openrc" && apt-get download -qq openrc librc1 libeinfo1)
    fi
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # one word a package
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}

if [ -n "$missing$missing_openrc" ]; then
    install
fi

# Ansible's modules, which ours are compared with.
ansible=2.19.14
if ! [ -e "target/ansible/$ansible" ]; then
    rm -rf target/ansible
    python3 -m venv target/ansible
    target/ansible/bin/pip install --quiet --disable-pip-version-check "ansible-core==$ansible"
    : >"target/ansible/$ansible"
fi

# Those of its modules that are in collections: of the package with all of them, what these need.
collections=12.3.0
if ! [ -e "target/ansible/collections/$collections" ]; then
    rm -rf target/ansible/collections
    mkdir -p target/ansible/collections
    cat >target/ansible/collections/wanted <<EOF
ansible==$collections --hash=sha256:cd156f82fa87f7a899212b0efa9f7ca3a24d609212de9f78428a572eb01e5414
EOF
    target/ansible/bin/python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
        --dest target/ansible/collections --requirement target/ansible/collections/wanted
    target/ansible/bin/python3 tests/kit/unpack.py target/ansible/collections/ansible-*.whl target/ansible/collections
    rm target/ansible/collections/wanted target/ansible/collections/ansible-*.whl
    : >"target/ansible/collections/$collections"
fi
