#!/usr/bin/env bash
# Makes the database that a release leaves to its successors: jobs in every state, and a supervisor and workers that were
# killed in the middle of their jobs, with a write-ahead log that was not checkpointed. Tests/TortureTests/ReleaseTests.swift
# opens it with every later Stint. See docs/releasing.md.
#
#   packaging/release-database.sh STINT FOLDER       FOLDER must not exist
set -euo pipefail

stint=$(realpath "$1")
folder=$(realpath -m "$2")
if [ -e "$folder" ]; then
    echo "'$folder' exists; the database of a release is never made again: give a new folder" >&2
    exit 1
fi
command -v sqlite3 >/dev/null || { echo "sqlite3 is missing: apt-get install sqlite3" >&2; exit 1; }

work=$(mktemp -d)
supervisor=
trap '[ -z "$supervisor" ] || kill -TERM "$supervisor" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
export STINT_DB=$work/stint.db
stint() { "$stint" "$@"; }
# Waits up to a minute until a command succeeds.
until_true() {
    local end=$((SECONDS + 60))
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "after a minute still not true: $*" >&2; exit 1; }
        sleep 0.05
    done
}
counts() { stint stats --json | grep -q "$1"; }

# Ready: payloads of text, of bytes and of many pages; a priority, headers, a unique key; a paused queue.
stint put --queue ready --lines < <(seq 20) >/dev/null
printf 'a\0b\377' | stint put --queue ready --priority 1 --header tenant=7 --header content-type=application/octet-stream - >/dev/null
head -c 100000 /dev/zero | stint put --queue ready - >/dev/null
stint put --queue ready --unique only-one --max-attempts 2 --max-crashes 1 'Grüße' >/dev/null
stint put --queue paused 'waits' >/dev/null
stint pause paused >/dev/null

# Delayed, from the start and after a failure.
stint put --queue delayed --delay 3000d 'later' >/dev/null
stint put --queue failing 'fails once' >/dev/null
"$stint" work --queue failing --retry-delay 1h -- sh -c 'echo "no connection" >&2; exit 75' 2>/dev/null &
supervisor=$!
until_true counts '"delayed":1,"done":0,"leased":0,"name":"failing"'
kill -TERM $supervisor
wait $supervisor || true

# Buried: by its exit code, by its crashes, after its last attempt, by an operator.
stint put --queue buried 'bad data' >/dev/null
stint work --queue buried --drain -- sh -c 'echo "not a mail address" >&2; exit 65' 2>/dev/null
stint put --queue buried --max-crashes 1 'kills its worker' >/dev/null
stint work --queue buried --drain -- sh -c 'kill -KILL $PPID; sleep 60' 2>/dev/null
stint put --queue buried --max-attempts 1 'fails' >/dev/null
stint work --queue buried --drain -- false 2>/dev/null
stint bury "$(stint put --queue buried 'set aside')" --yes >/dev/null

# Done, and kept.
stint retain done 30000d >/dev/null
stint put --queue done --lines < <(seq 3) >/dev/null
stint work --queue done --drain -- true 2>/dev/null

# From SQL.
sqlite3 "$STINT_DB" "PRAGMA wal_autocheckpoint = 0;
    INSERT INTO stint_enqueue (queue, payload, unique_key) VALUES ('sql', 'from SQL', 'sql-1')" >/dev/null

# Leased: two workers, one with two jobs that run and a third that waits, and an order to restart them.
stint put --queue leased --lines < <(seq 6) >/dev/null
"$stint" work --queue leased --workers 2 --concurrency 2 --batch 3 --lease 5s --grace 1s -- \
    sh -c 'while kill -0 $PPID; do sleep 0.2; done' 2>/dev/null &
supervisor=$!
until_true counts '"leased":[456]'
stint workers restart >/dev/null
until_true counts '"leased":[456]'

# Everything dies at once. A worker whose supervisor dies alone would give its jobs back.
mapfile -t processes < <(stint workers --json | grep -o '"processID":[0-9]*' | cut -d : -f 2 | sort -u)
kill -STOP "${processes[@]}"
kill -KILL "${processes[@]}"
wait "$supervisor" 2>/dev/null || true
supervisor=
mkdir -p "$folder"
# The other files beside the database belong to the machine: locks, shared memory, reserved space. Without the files of its
# workers nothing proves that they are dead, so their jobs come back when their leases, of 5 s, have run out.
cp stint.db stint.db-wal "$folder"
ls -l "$folder"
