#!/usr/bin/env bash
# The newsletter of a social network goes out to 2,000 members: demo.sh PATH_TO_STINT
#
# All its files are in demo/ at the top of the repository; another run starts from scratch. It exits 0 only if every
# member has exactly one mail or one buried job with a reason.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
time_limit=${STINT_DEMO_TIME_LIMIT:-180} # seconds until the demo gives up; it takes about 20 on two cores

bold='' red='' plain=''
if [ -t 1 ]; then
    bold=$'\e[1m' red=$'\e[1;31m' plain=$'\e[0m'
fi

step() {
    printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

die() {
    printf '%sdemo: %s%s\n' "$red" "$*" "$plain" >&2
    exit 1
}

# --- What it needs

[ $# -eq 1 ] || die "usage: demo.sh PATH_TO_STINT"
stint=$(command -v "$1") || die "$1 cannot be run; build it first (make build)"
stint=$(cd "$(dirname "$stint")" && pwd)/$(basename "$stint")

command -v php >/dev/null \
    || die "the handler is a PHP script and needs php (Debian, Ubuntu: apt-get install php-cli; macOS: brew install php)"

# One php starts for each job, so its start-up time counts: `php -n` reads no php.ini and loads none of the extensions
# that a distribution switches on. iconv is the one needed; it is built in (macOS, Docker) or loaded by name (Debian).
can_encode_mail() {
    "$@" -r 'exit(PHP_VERSION_ID >= 80000 && function_exists("iconv_mime_encode") ? 0 : 1);' >/dev/null 2>&1
}
if can_encode_mail php -n; then
    php=(php -n)
elif can_encode_mail php -n -d extension=iconv; then
    php=(php -n -d extension=iconv)
elif can_encode_mail php; then
    php=(php)
else
    die "PHP 8.0 or later with the iconv extension is needed; this is $(php -r 'echo PHP_VERSION;')"
fi

cd "$root"
demo=demo
db=$demo/stint.db
maildir=$demo/mail
work_log=$demo/work.log
reap_log=$demo/reap.log
mkdir -p "$demo"
rm -rf "$db"* "$maildir" "$work_log" "$reap_log" # what an earlier run left, and nothing else
mkdir -p "$maildir"/{tmp,new,cur}

# --- No process is left behind in any case

worker='' reaper=''
stop_all() {
    trap - EXIT INT TERM
    for pid in $worker $reaper; do
        kill -TERM "$pid" 2>/dev/null || true
    done
    for pid in $worker $reaper; do
        wait "$pid" 2>/dev/null || true
    done
}
trap stop_all EXIT
trap 'stop_all; exit 130' INT
trap 'stop_all; exit 143' TERM

tail_of_log() {
    printf '\nThe last lines of %s:\n' "$work_log" >&2
    tail -n 20 "$work_log" >&2 || true
}

# Once every two seconds, as cron would once a minute.
reap_forever() {
    local nap=''
    trap 'kill "$nap" 2>/dev/null; exit 0' TERM
    while :; do
        sleep 2 &
        nap=$!
        wait "$nap"
        "$stint" reap --db "$db" || echo "reap failed with exit code $?"
    done
}

# shellcheck disable=SC2016 # the dollars are PHP's
show_progress() {
    "$stint" stats --db "$db" --json 2>>"$work_log" | "${php[@]}" -r '
        foreach (json_decode(stream_get_contents(STDIN), true)["queues"] ?? [] as $q) {
            if ($q["name"] === "newsletter") {
                printf("  %3ds  %5d sent  %5d waiting  %3d to be tried again  %3d buried\n",
                    $argv[1], $q["done"], $q["ready"] + $q["leased"], $q["delayed"], $q["buried"]);
            }
        }' "$1" || true # ignored: the next line follows, and the log has the error
}

# --- The demo

members=$here/members.jsonl
step "The newsletter goes out to $(wc -l <"$members" | tr -d ' ') members, in 46 languages."
cat <<END
Some rows are bad, as in every old database: deleted members, missing addresses, line breaks and NULs in a name. The
handler checks nothing: on such a row PHP dies of a fatal error. Each job gets three attempts and is then buried, by
the worker that watched it, while all other mails go out.
END

step "1. Put a job for each member"
put_output=$("$stint" put --db "$db" --queue newsletter --max-attempts 3 --lines <"$members")
jobs_put=$(printf '%s\n' "$put_output" | tr -cs '0-9' '\n' | grep -m 1 .) || die "put said '$put_output' and no count"
printf '  %s jobs in %s\n' "$jobs_put" "$db"

step "2. Four workers under a supervisor send them, a PHP of its own per job, under LANG=C on purpose"
work=("$stint" work --db "$db" --queue newsletter --workers 4 --lease 10s --retry-delay 500ms --drain
    -- "${php[@]}" "$here/send-newsletter.php" "$maildir")
started=$SECONDS
if [ -t 1 ]; then
    env LANG=C LC_ALL=C "${work[@]}" 2>>"$work_log" & # it shows a progress bar of its own
else
    env LANG=C LC_ALL=C "${work[@]}" >>"$work_log" 2>&1 &
fi
worker=$!
reap_forever >>"$reap_log" 2>&1 &
reaper=$!

ticks=0
while kill -0 "$worker" 2>/dev/null; do
    sleep 0.25
    ticks=$((ticks + 1))
    if [ ! -t 1 ] && [ $((ticks % 8)) -eq 0 ]; then
        show_progress $((SECONDS - started))
    fi
    if [ $((SECONDS - started)) -ge "$time_limit" ]; then
        tail_of_log
        die "not finished after $time_limit seconds"
    fi
done
worker_exit=0
wait "$worker" || worker_exit=$?
worker=''
seconds=$((SECONDS - started))
kill -TERM "$reaper"
wait "$reaper" || true
reaper=''
if [ "$worker_exit" -ne 0 ]; then
    tail_of_log
    die "the workers ended with exit code $worker_exit"
fi
if grep 'reap failed' "$reap_log" >&2; then
    die "the reaper failed; see $reap_log"
fi
printf '  done in about %d seconds; what the handlers said is in %s\n' "$seconds" "$work_log"

step "3. What became of them"
if ! "${php[@]}" "$here/report.php" "$stint" "$db" "$maildir" "$jobs_put"; then
    die "the report above says what is wrong; the handlers' words are in $work_log"
fi

step "4. The story of the first of them, as Stint kept it"
first=$("$stint" list --db "$db" --queue newsletter --state buried --limit 1 --json \
    | "${php[@]}" -r 'echo json_decode(fgets(STDIN), true)["id"];')
"$stint" show "$first" --db "$db" | sed 's/^/  /'

# --- What to do next

shown=${stint#"$root"/}
step "Try next"
cat <<END
  $shown serve --db $db --web 127.0.0.1:8180
      all of it in a browser, at http://127.0.0.1:8180: look at the jobs and errors, kick and delete
  $shown show $first --db $db
      the story of a buried job, attempt by attempt; with --payload: its payload, byte for byte
  $shown kick $first --db $db
      once the member is repaired: back to ready, with new attempts
  sqlite3 $db "SELECT id, attempts, reason FROM stint_job WHERE state = 'buried'"
      it is one SQLite file, and its tables are documented
END
