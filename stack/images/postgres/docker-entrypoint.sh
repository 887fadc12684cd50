#!/bin/bash
# Make the database at the first start, then be the server. What the official image's entry point
# honours: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and POSTGRES_INITDB_ARGS, each also as a
# file (POSTGRES_PASSWORD_FILE); POSTGRES_HOST_AUTH_METHOD; PGDATA; /docker-entrypoint-initdb.d.
#
# The database is made in a folder of PGDATA and moved up with PG_VERSION last. So it is there whole
# or not, and one that a kill has left in the midst is made anew: nobody has used it.
set -euo pipefail

fail() {
    echo "docker-entrypoint.sh: $*" >&2
    exit 1
}

# given NAME DEFAULT: the value of NAME, or of the file that NAME_FILE names.
given() {
    local name=$1 file_name="$1_FILE"
    if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
        fail "both $name and $file_name are set; unset one of them"
    fi
    if [ -n "${!file_name:-}" ]; then
        [ -r "${!file_name}" ] || fail "$file_name: user $(id -u) cannot read ${!file_name}"
        cat "${!file_name}"
    else
        echo "${!name:-$2}"
    fi
}

initialise() {
    local whole=$PGDATA user password database arguments method
    user=$(given POSTGRES_USER postgres)
    password=$(given POSTGRES_PASSWORD '')
    database=$(given POSTGRES_DB "$user")
    arguments=$(given POSTGRES_INITDB_ARGS '')
    method=${POSTGRES_HOST_AUTH_METHOD:-}
    if [ -z "$password" ] && [ "$method" != trust ]; then
        fail "the superuser $user has no password; set POSTGRES_PASSWORD_FILE"
    fi
    if [ -e "$whole/unfinished" ]; then
        find "$whole" -mindepth 1 -delete
    elif [ -n "$(find "$whole" -mindepth 1 ! -name lost+found)" ]; then
        fail "$whole has files and no database; empty it, or set PGDATA to a folder of its own"
    fi
    export PGDATA=$whole/unfinished
    mkdir --mode=0700 "$PGDATA"

    local more
    eval "more=($arguments)" # they may be quoted
    if [ -n "$password" ]; then
        initdb --username="$user" --pwfile=<(printf '%s\n' "$password") "${more[@]}"
    else
        initdb --username="$user" "${more[@]}"
    fi
    printf '\nhost all all all %s\n' \
        "${method:-$(postgres -C password_encryption)}" >>"$PGDATA/pg_hba.conf"

    # On the socket alone: nobody else may find a database that is not finished.
    PGUSER=${PGUSER:-$user} pg_ctl --options="-c listen_addresses=''" --silent --wait start
    export PGHOST='' PGPASSWORD=$password
    if [ "$database" != postgres ]; then
        psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$user" --dbname=postgres \
            --set=database="$database" <<<'CREATE DATABASE :"database"'
    fi
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
            *.sh) . "$file" ;;
            *.sql) run_sql "$user" "$database" <"$file" ;;
            *.sql.gz) gzip --decompress --stdout "$file" | run_sql "$user" "$database" ;;
        esac
    done
    pg_ctl --mode=fast --silent --wait stop
    unset PGHOST PGPASSWORD

    find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv --target-directory "$whole" {} +
    mv "$PGDATA/PG_VERSION" "$whole"
    rmdir "$PGDATA"
    PGDATA=$whole
}

run_sql() {
    psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="$1" --dbname="$2"
}

case "${1:-}" in
    '' | -*) set -- postgres "$@" ;;
esac
if [ "$1" != postgres ] || [[ " $* " =~ \ (--help|-\?|--version|-V|--describe-config)\  ]]; then
    exec "$@"
fi
mkdir -p "$PGDATA"
if [ "$(id -u)" = 0 ]; then
    # PostgreSQL does not run as root.
    find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres:postgres {} +
    exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
chmod 0700 "$PGDATA" || true # a volume may be somebody else's; the server says so better
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initialise
fi
exec "$@"
