#!/bin/bash
# `make run`: a whole operations centre on this machine: private cluster and broker, a demo subdistrict, the
# simulator in the place of lifts, and liftd. Ctrl-C stops everything in order; the next run goes on with the same
# data. Everything is below var/ (see cluster.sh and broker.sh for where root's data is):
#
#   conninfo   libpq string of the cluster, superuser     liftd.ini  the settings, written anew each time
#   logins     'name password' of the demo users          devices    'area device password' of the demo lifts
#   sim/, sim-devices  what the simulated devices keep    *.log      what each program said
#
# Environment: LIFTD_VAR, another directory than var/; HTTP_PORT, MQTT_PORT (make passes them on); SIM_OPTIONS are those of build/liftsim
# (without them: a busy morning, and two faults per lift and hour).
set -u
PROGRAM="make run"
here=$(dirname -- "$(realpath -- "$0")")
root=$(dirname -- "$(dirname -- "$here")")
# shellcheck source=common.sh
. "$here/common.sh"
cd "$root" || exit 1

HTTP_PORT=${HTTP_PORT:-8080}
MQTT_PORT=${MQTT_PORT:-18883}
SIM_OPTIONS=${SIM_OPTIONS:---hour 8 --busy 10 --fault-rate 2}
DEMO_USERS="admin dispatcher planner technician fund auditor"
var=$(absolute "${LIFTD_VAR:-$root/var}")
liftd_pid=
sim_pid=
cluster_started=

random_password() {
    # 20 characters of an alphabet without look-alikes; 2,000 random bytes hold some 240 of them
    local characters
    characters=$(head -c 2000 /dev/urandom | LC_ALL=C tr -dc 'abcdefghjkmnpqrstuvwxyz23456789')
    printf %s "${characters:0:20}"
}

sql() {
    psql -XqAt -v ON_ERROR_STOP=1 -d "$(cat "$var/conninfo")" "$@"
}

# end_child NAME PID SECONDS: SIGTERM, and SIGKILL when it takes too long.
end_child() {
    [ -n "$2" ] && kill -0 "$2" 2>/dev/null || return 0
    kill -TERM "$2" 2>/dev/null
    for _ in $(seq $(($3 * 10))); do
        kill -0 "$2" 2>/dev/null || { echo "$1: stopped"; return 0; }
        sleep 0.1
    done
    echo "$1: did not stop within $3 s, killed" >&2
    kill -KILL "$2" 2>/dev/null
}

# Lifts first, so that nothing new arrives; then liftd, which commits what it has read; then what it stood on.
stop_all() {
    trap '' INT TERM HUP PIPE # whoever read our output may have left: stop all the same
    trap - EXIT
    [ -z "$cluster_started" ] || echo "stopping:"
    end_child simulator "$sim_pid" 10
    end_child liftd "$liftd_pid" 30
    rm -f "$var/liftsim.pid" "$var/liftd.pid"
    if [ -n "$cluster_started" ]; then
        "$here/broker.sh" stop "$var"
        "$here/cluster.sh" stop "$var"
    fi
}

# One run for each checkout; the lock goes with the process, so a crashed run leaves none.
take_lock() {
    writable "$var"
    exec 9>> "$var/run.lock" || fail "can't open $var/run.lock"
    if ! flock -n 9; then
        fail "another 'make run' is under way here (process $(cat "$var/run.lock")); stop that one first"
    fi
    echo $$ > "$var/run.lock"
}

# What a run that was killed left behind still holds our ports and data.
stop_leftovers() {
    for name in liftd liftsim; do
        [ -s "$var/$name.pid" ] || continue
        pid=$(cat "$var/$name.pid")
        if alive "$pid" "$name" && tr '\0' ' ' < "/proc/$pid/cmdline" | grep -qF -- "$var/"; then
            echo "$name: process $pid is left from an earlier run"
            end_child "$name" "$pid" 30
        fi
        rm -f "$var/$name.pid"
    done
    "$here/broker.sh" status "$var" >/dev/null && "$here/broker.sh" stop "$var"
    "$here/free-port" 127.0.0.1 "$HTTP_PORT" HTTP_PORT || exit 1
    "$here/free-port" 127.0.0.1 "$MQTT_PORT" MQTT_PORT || exit 1
    [ "$HTTP_PORT" != "$MQTT_PORT" ] || fail "HTTP_PORT and MQTT_PORT are both $HTTP_PORT; they must differ"
}

# The connection string without its user: liftd adds the user that each of its connections needs.
write_settings() {
    sed 's/ *user=[^ ]*//' "$var/conninfo" > "$var/conninfo.plain"
    cat > "$var/liftd.ini" <<SETTINGS
; Written by each 'make run'. 'liftd check --print-defaults' explains every key.
[database]
conninfo = $(cat "$var/conninfo.plain")
admin_user = postgres
[broker]
port = $MQTT_PORT
password_file = $var/broker-password
[http]
port = $HTTP_PORT
SETTINGS
    rm -f "$var/conninfo.plain"
}

import_demo() {
    [ "$(sql -c 'select count(*) from registry.lift')" = 0 ] || return 0
    echo "demo: loading the subdistrict"
    build/liftd import -c "$var/liftd.ini" demo || fail "the demo subdistrict could not be loaded"
}

# A planner and a technician work for a firm: the first one of the demo.
user_options() {
    case $1 in
    planner | technician)
        echo --firm "$(sql -c "select code from registry.party where kind = 'maintenance_firm' order by id limit 1")"
        ;;
    esac
}

# A user whose password we no longer know (var/logins was removed) gets a new one.
make_logins() {
    touch "$var/logins" && chmod 600 "$var/logins"
    : > "$var/users.log"
    for name in $DEMO_USERS; do
        known=$(sql -v name="$name" <<< "select count(*) from auth.user_account where name = :'name'") ||
            fail "the accounts could not be read"
        if [ "$known" != 0 ] && grep -q "^$name " "$var/logins"; then
            continue
        fi
        password=$(random_password)
        if [ "$known" = 0 ]; then
            # shellcheck disable=SC2046
            set -- add "$name" --role "$name" $(user_options "$name")
        else
            set -- password "$name"
        fi
        printf '%s\n' "$password" | build/liftd user -c "$var/liftd.ini" "$@" --password-stdin \
            >> "$var/users.log" 2>&1 || fail "the login $name could not be made: $(tail -n 1 "$var/users.log")"
        sed -i "/^$name /d" "$var/logins"
        echo "$name $password" >> "$var/logins"
    done
}

# Devices of the registry that have no password yet get one. The simulator must know besides how many lifts a
# gateway serves, so it reads a file of its own.
make_devices() {
    touch "$var/devices" && chmod 600 "$var/devices"
    sql -F ' ' -c "select a.code, d.device, count(*) from registry.device d
                   join registry.area a on a.id = d.area_id
                   join registry.device_unit u on u.device_id = d.id and u.to_at is null
                   group by 1, 2 order by 1, 2" > "$var/devices.registered" ||
        fail "the registry's devices could not be read"
    while read -r area device _; do
        grep -qF -- "$area $device " "$var/devices" || echo "$area $device $(random_password)" >> "$var/devices"
    done < "$var/devices.registered"
    awk 'NR == FNR { password[$1 " " $2] = $3; next } { print $1, $2, password[$1 " " $2], $3 }' \
        "$var/devices" "$var/devices.registered" > "$var/sim-devices" && chmod 600 "$var/sim-devices"
    rm -f "$var/devices.registered"
}

start_liftd() {
    setsid build/liftd serve -c "$var/liftd.ini" >> "$var/liftd.log" 2>&1 < /dev/null 9>&- &
    liftd_pid=$!
    echo $liftd_pid > "$var/liftd.pid"
    for _ in $(seq 300); do
        kill -0 $liftd_pid 2>/dev/null || fail "liftd did not start; var/liftd.log ends: $(tail -n 3 "$var/liftd.log")"
        if /usr/bin/python3 - "$HTTP_PORT" 2>/dev/null <<'PYTHON'; then return; fi
import sys, urllib.request
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=2)
PYTHON
        sleep 0.1
    done
    fail "liftd runs but is not ready after 30 s; see var/liftd.log"
}

start_simulator() {
    mkdir -p "$var/sim"
    # shellcheck disable=SC2086
    setsid build/liftsim --devices "$var/sim-devices" --port "$MQTT_PORT" --store-dir "$var/sim" $SIM_OPTIONS \
        >> "$var/liftsim.log" 2>&1 < /dev/null 9>&- &
    sim_pid=$!
    echo $sim_pid > "$var/liftsim.pid"
}

take_lock
trap stop_all EXIT
trap 'exit 0' INT TERM HUP # asked for, so not an error
stop_leftovers
cluster_started=1
"$here/cluster.sh" start "$var" 9>&- || exit 1
write_settings
build/liftd migrate -c "$var/liftd.ini" || fail "the database could not be migrated"
import_demo
make_logins
make_devices
"$here/broker.sh" start "$var" "$MQTT_PORT" 9>&- || exit 1
start_liftd
start_simulator

cat <<SAY

  Console   http://127.0.0.1:$HTTP_PORT/
  Logins    (name password; also in var/logins)
$(sed 's/^/            /' "$var/logins")
  Lifts     $(awk '{ n += $4 } END { print n }' "$var/sim-devices") behind $(wc -l < "$var/sim-devices") devices, simulated, report to mosquitto on 127.0.0.1:$MQTT_PORT (var/devices)
  Database  make psql
  Logs      var/liftd.log, var/liftsim.log, var/broker.log, var/pg.log

  Ctrl-C stops everything; the next 'make run' goes on with the same data.

SAY
wait -n $liftd_pid $sim_pid
if kill -0 $liftd_pid 2>/dev/null; then
    fail "the simulator ended; var/liftsim.log ends: $(tail -n 3 "$var/liftsim.log")"
fi
fail "liftd ended; var/liftd.log ends: $(tail -n 3 "$var/liftd.log")"
