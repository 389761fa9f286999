#!/bin/bash
# Runs as root in the fresh Debian that packaging/try-deb.sh has booted, and uses the installed package as an
# administrator would. Each step prints a line; the first that fails ends it.
set -euo pipefail

trial=/root/trial
export STINT_DB=/var/lib/stint/stint.db
step=
trap 'code=$?; [ $code = 0 ] || { echo "FAILED: $step"; journalctl --no-pager -q -n 40 -u "stint@*" -u cron; }' EXIT
# `! command` would not end the script.
not() { if "$@"; then return 1; fi; }
step() { step=$1; echo "$1"; }
# Waits until a command succeeds.
within() {
    local end=$((SECONDS + $1)); shift
    until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done
}
put() { as web stint put --queue "$1" "$2" >/dev/null; }
as() { local user=$1; shift; setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups "$@"; }
main() { systemctl show -p MainPID --value stint@mail; }
worker_ids() { stint workers --json | grep -o '"id":[0-9]*' | sort; }
# What cron would mail.
reaper_of_cron() { as stint sh -c "$(grep '^\* ' /etc/cron.d/stint | cut -d ' ' -f 7-)" 2>&1 || true; }
sent() { [ -e /var/lib/stint/sent ] && grep -qx "$1" /var/lib/stint/sent; }

first() {
    step "the binary runs without a Swift toolchain"
    [ "$(stint --version)" = "stint $(dpkg-query -W -f '${Version}' stint | sed 's/-[^-]*$//')" ]
    ldd /usr/bin/stint >$trial/libraries
    not grep -E 'swift|Foundation|not found' $trial/libraries

    step "every command has a man page"
    for command in $(stint --help | sed -n '/^SUBCOMMANDS/,$p' | grep -E '^  [a-z]' | awk '{ print $1 }'); do
        man -P cat "stint-$command" | grep "stint $command" >/dev/null
    done
    man -P cat stint | grep 'stint-work(1)' >/dev/null
    man -P cat stint-workers-restart | grep 'stint(1)' >/dev/null
    mandb -q
    whatis stint-put | grep 'Add a job' >/dev/null

    step "the completions of bash, zsh and fish load and complete"
    bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader stint
        COMP_WORDS=(stint dele) COMP_CWORD=1 COMP_LINE="stint dele" COMP_POINT=10 COMP_TYPE=9
        $(complete -p stint | sed "s/.*-F \([^ ]*\).*/\1/") stint dele stint; [ "${COMPREPLY[*]% }" = delete ]'
    [ "$(fish -c 'complete -C "stint dele"' | cut -f 1)" = delete ]
    zsh -c 'autoload -U compinit && compinit -u -D && [[ $_comps[stint] == _stint ]] && autoload +X _stint'

    step "the unit is valid, and does not start before it is configured"
    systemd-analyze verify stint@mail.service
    not systemctl start stint@mail 2>$trial/refusal
    journalctl -q -u stint@mail | grep 'Assertion failed for stint@mail.service' >/dev/null

    step "the reaper of cron does nothing while there is no database"
    [ "$(reaper_of_cron)" = "" ]
    [ ! -e $STINT_DB ]

    step "stint@mail works on the queue mail"
    cat >/usr/local/bin/send-mail <<'END'
#!/bin/sh
# "kill" ends its worker, once. "wait" runs until the file /var/lib/stint/go exists.
read -r word
case $word in
kill) [ "$STINT_ATTEMPT" -gt 1 ] || kill -KILL $PPID ;;
wait) until [ -e /var/lib/stint/go ]; do sleep 0.1; done ;;
esac
echo "$1 $word" >>/var/lib/stint/sent
END
    chmod 755 /usr/local/bin/send-mail
    cat >/etc/stint/mail.conf <<'END'
STINT_COMMAND=/usr/local/bin/send-mail "sent to"
STINT_OPTIONS=--workers 2 --retry-delay 0s
END
    chmod 600 /etc/stint/mail.conf
    systemctl enable -q --now stint@mail
    [ "$(stat -c '%a %U %G' /var/lib/stint)" = '2770 stint stint' ]
    [ "$(stat -c '%a %U %G' $STINT_DB)" = '660 stint stint' ]

    step "a member of the group stint puts jobs, and no other user does"
    adduser --quiet --system --ingroup stint web
    adduser --quiet --system --group other
    put mail Hello
    within 30 sent 'sent to Hello'
    not as other stint put --queue mail Hello 2>>$trial/refusal

    step "a job whose worker is killed runs again"
    put mail kill
    within 30 sent 'sent to kill'

    step "a reload replaces the workers, and the supervisor stays"
    before=$(main) workers=$(worker_ids)
    systemctl reload stint@mail
    replaced() { [ "$(worker_ids | wc -l)" = 2 ] && [ -z "$(comm -12 <(echo "$workers") <(worker_ids))" ]; }
    within 60 replaced
    [ "$(main)" = "$before" ]

    step "systemd starts a supervisor again that was killed"
    kill -KILL "$(main)"
    restarted() { [ "$(systemctl is-active stint@mail)" = active ] && [ "$(main)" != "$before" ] && [ "$(main)" != 0 ]; }
    within 60 restarted
    put mail again
    within 30 sent 'sent to again'

    step "cron reclaims the jobs of dead workers while no worker runs"
    systemctl stop stint@mail
    put night wait
    as stint stint work --queue night -- /usr/local/bin/send-mail night 2>/dev/null &
    counts() { stint stats --json | grep "\"leased\":$1,\"name\":\"night\"" >/dev/null; }
    within 30 counts 1
    processes=$(stint workers --json | grep -o '"processID":[0-9]*' | cut -d : -f 2 | sort -u)
    kill -STOP $processes; kill -KILL $processes
    counts 1
    within 90 counts 0
    doctor=$(as stint stint doctor) || { echo "$doctor"; false; }

    step "the machine goes down in the middle of a job"
    systemctl start stint@mail
    put mail wait
    running() { stint stats --json | grep '"leased":1,"name":"mail"' >/dev/null; }
    within 30 running
}

second() {
    step "the enabled unit has started with the machine, and the job runs again"
    within 30 systemctl -q is-active stint@mail
    touch /var/lib/stint/go
    within 60 sent 'sent to wait'

    step "an upgrade restarts the workers with the new program, and keeps configuration and jobs"
    before=$(main)
    put other kept
    dpkg -i $trial/next.deb >$trial/upgrade.log
    [ "$(main)" != "$before" ] && systemctl -q is-active stint@mail
    grep -q send-mail /etc/stint/mail.conf
    put mail upgraded
    within 30 sent 'sent to upgraded'
    stint stats | grep -E '^other +1 ' >/dev/null

    step "a removal stops the workers, and a purge leaves the jobs and nothing else that runs"
    apt-get remove -y -qq stint >$trial/remove.log
    not systemctl -q is-active stint@mail
    readlink /proc/[0-9]*/exe >$trial/programs || true
    not grep /usr/bin/stint $trial/programs
    [ ! -e /usr/bin/stint ] && [ -e /etc/cron.d/stint ]
    [ "$(reaper_of_cron)" = "" ]
    apt-get purge -y -qq stint >>$trial/remove.log
    [ ! -e /etc/cron.d/stint ] && [ -e $STINT_DB ]
    not test -h /etc/systemd/system/multi-user.target.wants/stint@mail.service
}

"$(cat $trial/boot)"
