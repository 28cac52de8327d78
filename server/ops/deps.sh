#!/bin/sh
# Installs what liftd needs on Debian 12: packages (as root or with sudo) and npm modules. Ends at once when all
# is there. The daemons that come with the packages are neither started nor enabled, and no cluster is made:
# `make run` and the tests start their own, private ones.
set -u
PROGRAM=deps.sh
here=$(dirname -- "$(realpath -- "$0")")
root=$(dirname -- "$(dirname -- "$here")")
. "$here/common.sh"

# To build and run liftd.
BUILD="gcc libc6-dev make pkg-config libuv1-dev libpq-dev libmosquitto-dev libmsgpack-dev libmicrohttpd-dev
libjansson-dev libsodium-dev libinih-dev libcsv-dev zlib1g-dev libcurl4-openssl-dev libexpat1-dev ca-certificates"
SERVERS="postgresql-15 postgresql-client-15 mosquitto"
# To test it.
TESTS="libcmocka-dev clang libclang-rt-14-dev postgresql-15-pgtap libtap-parser-sourcehandler-pgtap-perl
mosquitto-clients python3 python3-pytest python3-paho-mqtt python3-psycopg2 python3-msgpack python3-jsonschema
python3-prometheus-client chromium fonts-noto-cjk"

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Node.js may come from Debian or from elsewhere, so it is looked for by what it can do.
node_fits() {
    command -v npm >/dev/null && version=$(node --version 2>/dev/null) || return 1
    version=${version#v}
    [ "${version%%.*}" -ge 18 ]
}

missing_packages() {
    # One call for all in the usual case; one for each only to find out which.
    # shellcheck disable=SC2086
    if ! dpkg-query -W -f '${db:Status-Status}\n' $BUILD $SERVERS $TESTS >/dev/null 2>&1 ||
        dpkg-query -W -f '${db:Status-Status}\n' $BUILD $SERVERS $TESTS | grep -qv '^installed$'; then
        for package in $BUILD $SERVERS $TESTS; do
            installed "$package" || echo "$package"
        done
    fi
    node_fits || echo nodejs npm
}

apt_get() {
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 \
        -o Dpkg::Options::=--force-confold "$@"
}

# While packages are installed: no daemon starts (unless the machine has a policy of its own), and PostgreSQL's
# package makes no cluster. Both are undone when this script ends, however it ends.
POLICY=/usr/sbin/policy-rc.d
CLUSTERS=/etc/postgresql-common/createcluster.conf
policy_made=
clusters_changed=
restore() {
    [ -z "$policy_made" ] || $sudo rm -f "$POLICY"
    [ -z "$clusters_changed" ] || $sudo sed -i '/# liftd deps$/d' "$CLUSTERS"
    policy_made=
    clusters_changed=
}

hold_daemons() {
    if [ ! -e "$POLICY" ]; then
        policy_made=1
        printf '#!/bin/sh\n# from liftd deps.sh, removed when it ends\nexit 101\n' | $sudo tee "$POLICY" >/dev/null
        $sudo chmod 755 "$POLICY"
    fi
}

install_packages() {
    [ -r /etc/os-release ] && . /etc/os-release
    case " ${ID:-unknown} ${ID_LIKE:-} " in
    *" debian "*) ;;
    *) fail "this is ${PRETTY_NAME:-not Debian}: packages are installed by themselves on Debian only. Install by" \
        "hand what server/ops/deps.sh lists, then use 'make all' and 'tests/run'" ;;
    esac
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "packages are missing ($1) and there is neither root nor sudo: ask an administrator to run 'make deps'"
        sudo=sudo
        sudo -n true 2>/dev/null || [ -t 0 ] ||
            fail "packages are missing ($1) and sudo wants a password but there is no terminal: run 'make deps' first"
        sudo -v || fail "packages are missing ($1) and sudo lets $(id -un) install nothing"
    fi
    echo "deps: installing $1"
    trap restore EXIT
    trap 'exit 130' INT TERM
    hold_daemons
    apt_get -o APT::Update::Error-Mode=any update ||
        echo "deps: the package lists could not be refreshed; trying with those at hand" >&2
    case " $1 " in
    *" postgresql-15 "*)
        apt_get install -y --no-install-recommends postgresql-common || no_packages
        echo 'create_main_cluster = false # liftd deps' | $sudo tee -a "$CLUSTERS" >/dev/null
        clusters_changed=1
        ;;
    esac
    # shellcheck disable=SC2086
    apt_get install -y --no-install-recommends $1 || no_packages
    case " $1 " in
    *" mosquitto "*)
        command -v systemctl >/dev/null && $sudo systemctl --quiet disable mosquitto >/dev/null 2>&1
        ;;
    esac
    restore
    trap - EXIT INT TERM
}

no_packages() {
    fail "apt-get could not install them. The first time needs the network: look at the messages above, check it" \
        "(and http_proxy or /etc/apt/sources.list), and run it again"
}

# npm's modules by the lock file, into DIR/node_modules, when the lock file is newer than what is there.
install_modules() {
    [ -f "$1/package-lock.json" ] || return 0
    [ ! "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] || return 0
    echo "deps: npm modules of ${1#"$root"/}"
    npm ci --prefix "$1" --no-audit --no-fund ||
        fail "npm could not fetch the modules of $1. The first time needs the network: look at the messages above," \
            "check it (and npm's registry and proxy settings), and run it again"
    touch "$1/node_modules/.package-lock.json"
}

command -v dpkg-query >/dev/null ||
    fail "this is not Debian: install by hand what server/ops/deps.sh lists, then use 'make all' and 'tests/run'"
missing=$(missing_packages | tr '\n' ' ')
[ -z "$missing" ] || install_packages "${missing% }"
for dir in "$root/server/console" "$root/tests/browser"; do
    install_modules "$dir"
done
