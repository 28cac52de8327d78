# shellcheck shell=sh
# Shared by the scripts beside it: where a directory's private data lives, and how to speak to whoever runs them.
# Sourced, not run. Needs $PROGRAM, the name that sentences begin with.

# fail SENTENCE...: ends the script with a sentence on stderr.
fail() {
    echo "$PROGRAM: $*" >&2
    exit 1
}

# absolute DIR: its path without links; DIR need not exist yet.
absolute() {
    realpath -m -- "$1"
}

# home_of DIR: where a cluster and a broker may keep DIR's data. PostgreSQL refuses to run as root, and its user
# can't enter root's home: so as root the data lives under /var/lib/liftd-dev/, one directory for each DIR.
home_of() {
    if [ "$(id -u)" -eq 0 ]; then
        echo "/var/lib/liftd-dev/$(printf %s "$1" | sha256sum | cut -c1-12)"
    else
        echo "$1"
    fi
}

# make_dir DIR OWNER MODE: makes it, with parents everybody may pass.
make_dir() {
    (umask 022 && mkdir -p -- "$1") || fail "can't make the directory $1"
    if [ "$(id -u)" -eq 0 ]; then
        chown "$2" "$1" || fail "can't give $1 to $2"
        runuser -u "$2" -- test -x "$1" ||
            fail "the user $2 can't enter $1: a directory above it is closed to others"
    fi
    chmod "$3" "$1" || fail "can't change the mode of $1; does it belong to another user?"
}

# as USER COMMAND...: runs a command as USER when we are root, else as ourselves.
as() {
    user=$1
    shift
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && exec runuser -u "$user" -- "$@")
    else
        "$@"
    fi
}

# writable DIR: fails with a sentence when DIR belongs to another run of another user.
writable() {
    mkdir -p -- "$1" 2>/dev/null
    [ -d "$1" ] && [ -w "$1" ] ||
        fail "$1 can't be written by $(id -un); it was probably made by another user (ls -ld $1)"
}

# alive PID NAME: whether a process of that id runs and its program is NAME.
alive() {
    [ -n "$1" ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ]
}
