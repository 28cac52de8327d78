#!/bin/sh
# A private mosquitto for development, on loopback, with a password for each device.
#
#   broker.sh start DIR PORT   starts it with DIR/devices (lines 'area device password [units]') and DIR/broker-password
#   broker.sh reload DIR       reads DIR/devices again
#   broker.sh stop DIR         stops it; no error when it doesn't run
#   broker.sh status DIR       says whether it runs; exit status 0 when it does
#   broker.sh drop DIR         stops it and removes its files
#
# As root its files are in /var/lib/liftd-dev/, owned by the user mosquitto, and DIR/broker links to them; as
# another user they are DIR/broker itself. DIR/broker-password, liftd's own, is made when it is missing.
set -u
PROGRAM=broker.sh
here=$(dirname -- "$(realpath -- "$0")")
. "$here/common.sh"
PATH=$PATH:/usr/sbin

usage() {
    sed -n '4,8s/^# *//p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
verb=$1
dir=$(absolute "$2")
data=$(home_of "$dir")/broker
pid_file=$dir/broker.pid

running() {
    [ -s "$pid_file" ] && alive "$(cat "$pid_file")" mosquitto &&
        tr '\0' ' ' < "/proc/$(cat "$pid_file")/cmdline" | grep -qF -- "$data/mosquitto.conf"
}

# Hashes all passwords in one run: a process for each of thousands of devices would take minutes.
write_passwords() {
    new=$data/passwords.new
    (umask 077 && : > "$new") && [ -f "$new" ] || fail "can't write $new"
    printf 'liftd:%s\n' "$(cat "$dir/broker-password")" > "$new"
    [ ! -f "$dir/devices" ] || awk 'NF >= 3 { print $2 ":" $3 }' "$dir/devices" >> "$new"
    mosquitto_passwd -U "$new" || fail "mosquitto_passwd can't hash the passwords in $new"
    [ "$(id -u)" -ne 0 ] || chown mosquitto "$new"
    mv -- "$new" "$data/passwords"
}

start() {
    port=$1
    writable "$dir"
    if running; then
        fail "a broker runs already for $dir, process $(cat "$pid_file"); 'broker.sh stop $dir' ends it"
    fi
    rm -f -- "$pid_file"
    command -v mosquitto >/dev/null || fail "mosquitto is not installed: 'make deps' does that"
    "$here/free-port" 127.0.0.1 "$port" MQTT_PORT || exit 1
    make_dir "$data" mosquitto 0700
    [ "$data" = "$dir/broker" ] || ln -sfn -- "$data" "$dir/broker"
    if [ ! -s "$dir/broker-password" ]; then
        (umask 077 && od -An -N 16 -t x1 /dev/urandom | tr -d ' \n' > "$dir/broker-password") ||
            fail "can't write $dir/broker-password"
    fi
    write_passwords
    cp -- "$here/mosquitto.acl" "$data/acl"
    chmod 0640 "$data/acl"
    sed -e "s|@PORT@|$port|" -e "s|@ADDRESS@|127.0.0.1|" -e "s|@DIR@|$data|" "$here/mosquitto.conf.in" \
        > "$data/mosquitto.conf"
    [ "$(id -u)" -ne 0 ] || chown mosquitto "$data/acl" "$data/mosquitto.conf"
    log=$dir/broker.log
    # As root: mosquitto becomes the user mosquitto by itself. In a session of its own, so that a Ctrl-C at the
    # terminal reaches only run.sh, which stops its children in order.
    setsid mosquitto -c "$data/mosquitto.conf" >> "$log" 2>&1 < /dev/null &
    echo $! > "$pid_file"
    for _ in $(seq 100); do
        kill -0 $! 2>/dev/null || fail "mosquitto did not start; its log $log ends: $(tail -n 3 "$log")"
        if /usr/bin/python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; then
            echo "broker: mosquitto listens on 127.0.0.1 port $port"
            return
        fi
        sleep 0.1
    done
    fail "mosquitto does not answer on port $port; its log is $log"
}

stop() {
    if ! running; then
        rm -f -- "$pid_file"
        echo "broker: does not run"
        return
    fi
    pid=$(cat "$pid_file")
    kill "$pid"
    for _ in $(seq 300); do
        alive "$pid" mosquitto || break
        sleep 0.1
    done
    alive "$pid" mosquitto && fail "mosquitto, process $pid, did not stop"
    rm -f -- "$pid_file"
    echo "broker: stopped"
}

case $verb in
start) [ $# -eq 3 ] || usage; start "$3" ;;
reload)
    running || fail "it does not run"
    write_passwords
    kill -HUP "$(cat "$pid_file")"
    ;;
stop) stop ;;
status)
    if running; then
        echo "broker: runs, process $(cat "$pid_file")"
    else
        echo "broker: does not run"
        exit 3
    fi
    ;;
drop)
    stop
    rm -rf -- "$data" "$dir/broker" "$dir/broker-password" "$dir/broker.log"
    rmdir -- "$(home_of "$dir")" 2>/dev/null || true
    ;;
*) usage ;;
esac
