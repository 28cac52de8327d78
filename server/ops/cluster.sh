#!/bin/sh
# A private PostgreSQL cluster for development: unix socket only, fsync on, everything below one directory.
#
#   cluster.sh start DIR [--data DATA]   makes it at the first time, starts it, writes DIR/conninfo (superuser)
#   cluster.sh stop DIR                  stops it; no error when it doesn't run
#   cluster.sh status DIR                says whether it runs; exit status 0 when it does
#   cluster.sh drop DIR                  stops it and removes its data
#
# As root the data is in /var/lib/liftd-dev/, owned by the user postgres, and DIR/pg links to it; as another user
# it is DIR/pg itself. DATA puts it elsewhere. Whoever may enter the socket's directory is trusted: root, or the
# one user.
set -u
PROGRAM=cluster.sh
here=$(dirname -- "$(realpath -- "$0")")
. "$here/common.sh"

usage() {
    sed -n '4,7s/^# *//p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
verb=$1
dir=$(absolute "$2")
shift 2
data=
while [ $# -gt 0 ]; do
    case $1 in
    --data) [ $# -ge 2 ] || usage; data=$(absolute "$2"); shift 2 ;;
    *) usage ;;
    esac
done
home=$(home_of "$dir")
if [ -z "$data" ]; then
    [ -L "$dir/pg" ] && data=$(realpath -m -- "$dir/pg") || data=$home/pg
fi

# The newest server that is installed, at least 15.
bindir() {
    for candidate in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn); do
        version=${candidate#/usr/lib/postgresql/}
        version=${version%/bin}
        if [ -x "$candidate/postgres" ] && [ "$version" -ge 15 ]; then
            echo "$candidate"
            return
        fi
    done
    fail "no PostgreSQL server of version 15 or later under /usr/lib/postgresql: 'make deps' installs it"
}

# A socket's path may have 107 bytes: a deep checkout gets its socket under /tmp.
socket_dir() {
    candidate=$(dirname -- "$data")/socket
    if [ ${#candidate} -gt 90 ]; then
        candidate=/tmp/liftd-$(id -u)-$(printf %s "$data" | sha256sum | cut -c1-12)
    fi
    echo "$candidate"
}

running() {
    [ -s "$data/postmaster.pid" ] && alive "$(head -n 1 "$data/postmaster.pid")" postgres
}

write_settings() {
    cat > "$1" <<SETTINGS
# Written by server/ops/cluster.sh when the cluster was made; yours to change.
listen_addresses = ''               # unix socket only
unix_socket_permissions = 0700
fsync = on                          # a commit is on disk: liftd acknowledges messages after it
synchronous_commit = on
shared_buffers = 128MB
max_connections = 100
max_wal_size = 2GB                  # fewer checkpoints under load
wal_compression = on
jit = off                           # short statements only
timezone = 'Asia/Shanghai'
log_timezone = 'Asia/Shanghai'
log_line_prefix = '%m [%p] %u@%d '
logging_collector = off             # stderr goes to the log file of cluster.sh
SETTINGS
}

# Makes the cluster beside its place and moves it there when it is whole, so that an interrupted first start
# leaves nothing that looks like a cluster.
create() {
    echo "cluster: making it in $data"
    new=$data.new
    rm -rf -- "$new" || fail "can't remove $new, left over from an interrupted start"
    made=$(as postgres "$bin/initdb" -D "$new" -U postgres -A trust -E UTF8 --locale=C.UTF-8 2>&1) ||
        fail "initdb failed: $made"
    settings=$(mktemp) && write_settings "$settings" && cat "$settings" >> "$new/postgresql.conf" ||
        fail "can't write $new/postgresql.conf"
    rm -f "$settings"
    mv -- "$new" "$data" || fail "can't move $new to $data"
}

start() {
    writable "$dir"
    bin=$(bindir) || exit 1
    socket=$(socket_dir)
    if [ "$(id -u)" -eq 0 ]; then
        id postgres >/dev/null 2>&1 || fail "there is no user postgres: 'make deps' installs PostgreSQL"
    fi
    make_dir "$(dirname -- "$data")" postgres 0755
    make_dir "$socket" postgres 0700
    [ "$home" = "$dir" ] || [ ! -d "$home" ] || echo "$dir" > "$home/belongs-to"
    if [ -d "$data" ] && [ "$data" != "$dir/pg" ] && [ "$data" = "$home/pg" ] && [ ! -L "$dir/pg" ]; then
        echo "cluster: $dir is new, but $data holds the cluster of an earlier one: moved to $data.previous"
        running && stop
        rm -rf -- "$data.previous" && mv -- "$data" "$data.previous" || fail "can't move $data away"
    fi
    if [ -e "$data" ] && [ ! -s "$data/PG_VERSION" ]; then
        fail "$data is there but is no PostgreSQL cluster; remove it or choose another directory"
    fi
    [ -e "$data" ] || create
    version=$(cat "$data/PG_VERSION")
    [ -x "/usr/lib/postgresql/$version/bin/postgres" ] ||
        fail "$data was made by PostgreSQL $version, which is not installed here; 'make clean-var' starts afresh"
    bin=/usr/lib/postgresql/$version/bin
    if [ "$data" != "$dir/pg" ]; then
        ln -sfn -- "$data" "$dir/pg"
        ln -sfn -- "$data.log" "$dir/pg.log"
    fi
    if running; then
        echo "cluster: runs already"
    else
        # A pid file whose process is another program by now would stop PostgreSQL from starting.
        rm -f -- "$data/postmaster.pid"
        as postgres "$bin/pg_ctl" -s -w -t 120 -D "$data" -l "$data.log" \
            -o "-c unix_socket_directories='$socket'" start >/dev/null ||
            fail "PostgreSQL did not start; its log $data.log ends: $(tail -n 5 "$data.log" 2>/dev/null)"
        echo "cluster: PostgreSQL $version runs"
    fi
    server="host=$socket user=postgres"
    exists=$("$bin/psql" "$server dbname=postgres" -XAtc "select 1 from pg_database where datname = 'liftd'") ||
        fail "the cluster in $data runs but does not answer on $socket"
    if [ "$exists" != 1 ]; then
        "$bin/createdb" --maintenance-db="$server dbname=postgres" -T template0 liftd ||
            fail "can't make the database liftd"
    fi
    echo "$server dbname=liftd" > "$dir/conninfo.new" && mv "$dir/conninfo.new" "$dir/conninfo"
}

stop() {
    running || { echo "cluster: does not run"; return 0; }
    bin=/usr/lib/postgresql/$(cat "$data/PG_VERSION")/bin
    as postgres "$bin/pg_ctl" -s -w -t 120 -m fast -D "$data" stop >/dev/null ||
        fail "PostgreSQL in $data did not stop"
    echo "cluster: stopped"
}

case $verb in
start) start ;;
stop) stop ;;
status)
    if running; then
        echo "cluster: runs, process $(head -n 1 "$data/postmaster.pid"), data in $data"
    else
        echo "cluster: does not run"
        exit 3
    fi
    ;;
drop)
    stop
    rm -rf -- "$data" "$data.new" "$data.previous" "$data.log" "$(socket_dir)" "$dir/pg" "$dir/pg.log" \
        "$dir/conninfo"
    [ "$home" = "$dir" ] || rm -f -- "$home/belongs-to"
    rmdir -- "$home" 2>/dev/null || true
    ;;
*) usage ;;
esac
