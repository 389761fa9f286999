#!/usr/bin/env bash
# A site's notifications with a job that kills its worker: run.sh PATH_TO_STINT
#
# It ends with 0 only if every mail is sent once and the bad job is buried.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -eq 1 ] || { echo "usage: run.sh PATH_TO_STINT" >&2; exit 1; }
stint=$(realpath "$1")
php -r 'require "Pheanstalk/autoload.php";' 2> /dev/null \
    || { echo "the scripts need PHP with Pheanstalk 4 (Debian: apt-get install php-cli php-pda-pheanstalk)" >&2; exit 1; }

place=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" && wait "$server" || true; fi; rm -rf "$place"' EXIT
export STINT_DB=$place/stint.db
mails=$place/mails
touch "$mails"

step() { printf '\n%s\n' "$*"; }

step 'The server, in place of beanstalkd:  stint serve --beanstalk 127.0.0.1:0 --max-crashes 3'
"$stint" serve --beanstalk 127.0.0.1:0 --max-crashes 3 > "$place/address" &
server=$!
until grep -q '^beanstalk://' "$place/address"; do
    kill -0 "$server" || { echo "the server has ended" >&2; exit 1; }
    sleep 0.05
done
address=$(sed -n 's|^beanstalk://||p' "$place/address")
host=${address%:*} port=${address##*:}

step 'The site puts 13 jobs, one of them about a post that is gone:  php site.php'
php "$here/site.php" "$host" "$port"

step 'The worker is started again whenever it has died, as Supervisord does:'
deaths=0
until php -d display_errors=stderr "$here/worker.php" "$host" "$port" "$mails" 2> "$place/error"; do
    deaths=$((deaths + 1))
    echo "the worker died: $(grep -m 1 -o 'Uncaught.*' "$place/error")"
    [ "$deaths" -lt 20 ] || { echo 'The worker would die for ever.' >&2; exit 1; }
done
echo "The worker died $deaths times and has nothing left to do."

step 'The mails:'
cat "$mails"

step 'The bad job:  stint show'
bad=$("$stint" list --state buried --json | php -r '
    foreach (preg_split("/\n/", stream_get_contents(STDIN), -1, PREG_SPLIT_NO_EMPTY) as $line) {
        echo json_decode($line)->id, "\n";
    }')
[ "$(wc -w <<< "$bad")" -eq 1 ] || { echo "one job should be buried, and these are: $bad" >&2; exit 1; }
"$stint" show "$bad"

sent=$(wc -l < "$mails") different=$(sort -u "$mails" | wc -l)
[ "$sent" -eq 12 ] && [ "$different" -eq 12 ] || { echo "12 mails should be sent, and $sent are" >&2; exit 1; }
[ "$deaths" -eq 3 ] || { echo "the worker should die 3 times" >&2; exit 1; }
step "Every mail was sent once. When the worker is repaired: stint kick $bad"
