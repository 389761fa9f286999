#!/usr/bin/env python3
"""Mails delivered to exim, postfix, OpenSMTPD and smtp-sink: servers that others have written.

    Tests/Mail/setup
    .build/mail-venv/bin/python Tests/Mail/servers.py .build/debug/mail-tool [--mails 2000]

They run from where `setup` has unpacked them, on ports of 127.0.0.1, in a mount namespace of their own where the users exist that
they want. Only root can do that; others get smtp-sink.
"""

import argparse
import contextlib
import glob
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import delivery  # noqa: E402
from chaos import eventually, free_port  # noqa: E402
from delivery import Database, message, number, send  # noqa: E402

UNPACKED = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".build", "mail-servers"))

# Users in a copy of /etc/passwd that only this command sees: NAME and NUMBER of user and group.
USERS = """
set -e
cp /etc/passwd /etc/group "$1"
for user in postfix:4101 postdrop:4102 Debian-exim:4103 opensmtpd:4104 opensmtpq:4105 box:4106; do
    name=${user%:*} id=${user#*:}
    grep -q "^$name:" "$1/passwd" || echo "$name:x:$id:$id::/nonexistent:/usr/sbin/nologin" >> "$1/passwd"
    grep -q "^$name:" "$1/group" || echo "$name:x:$id:" >> "$1/group"
done
mount --make-rprivate /
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
shift
exec "$@"
"""

EXIM = """
primary_hostname = exim.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/exim.pid
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
trusted_users = Debian-exim
deliver_drop_privilege = true
domainlist local_domains = example.org
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
tls_advertise_hosts =
smtputf8_advertise_hosts = *
message_size_limit = 1M
# After ten mails of one connection it would leave the rest for later.
smtp_accept_queue_per_connection = 0
begin acl
acl_rcpt:
  deny  local_parts = reject
        message = no such user
  defer local_parts = later
        message = try later
  accept domains = +local_domains
  deny message = relay not permitted
begin routers
local:
  driver = accept
  domains = +local_domains
  transport = box
begin transports
box:
  driver = appendfile
  directory = {folder}/mail
  maildir_format
  create_file = anywhere
  user = Debian-exim
begin retry
* * F,1h,2s
"""

POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = {postfix}/sbin
daemon_directory = {postfix}/lib/postfix/sbin
shlib_directory = {postfix}/lib/postfix
meta_directory = {postfix}/../etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/maillog
maillog_file_prefixes = /tmp, /var, {folder}
import_environment = MAIL_CONFIG MAIL_LOGTAG LD_LIBRARY_PATH TZ
export_environment = MAIL_CONFIG MAIL_LOGTAG LD_LIBRARY_PATH TZ
myhostname = pf.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
relay_domains = example.org
relay_recipient_maps = inline:{{box@example.org=x}}
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_auth_destination, reject
relayhost = [127.0.0.1]:{sink}
smtp_host_lookup = native
disable_dns_lookups = yes
alias_maps =
alias_database =
local_recipient_maps =
message_size_limit = 1000000
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

OPENSMTPD = """
smtp max-message-size 1M
listen on 127.0.0.1 port {port} hostname os.test
action "box" maildir "{folder}/mail" user box
match from any for domain "example.org" rcpt-to "box@example.org" action "box"
"""

# It knows its places by fixed names, so those are mounted there, for it alone: UNPACKED FOLDER.
OPENSMTPD_START = """
set -e
mount -t overlay overlay -o "lowerdir=$1/opensmtpd/usr/libexec:/usr/libexec" /usr/libexec
for place in /var/lib /var/spool /run; do mount -t tmpfs tmpfs $place; done
mkdir -p /var/lib/opensmtpd/empty
exec "$1/opensmtpd/usr/sbin/smtpd" -d -f "$2/smtpd.conf"
"""


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as one:
        one.settimeout(2)
        return one.recv(100).startswith(b"220")
    return False


@contextlib.contextmanager
def running(command, port, log, **environment):
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, env={"PATH": os.environ["PATH"], **environment})
    try:
        eventually(f"{command[-1]} answers on port {port}: see {log}", lambda: answers(port) or process.poll() is not None, 30)
        assert process.poll() is None, open(log, errors="replace").read()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def with_users(folder, command):
    users = os.path.join(folder, "users")
    os.makedirs(users, exist_ok=True)
    return ["unshare", "-m", "bash", "-c", USERS, "bash", users, *command]


def exim(folder, port):
    program = f"{UNPACKED}/exim4-daemon-light/usr/sbin/exim4"
    for name in ("spool", "mail"):
        os.mkdir(os.path.join(folder, name))
    with open(f"{folder}/exim.conf", "w") as conf:
        conf.write(EXIM.format(folder=folder, port=port))
    user = user_id("Debian-exim", 4103)
    for name in ("", "spool", "mail", "exim.conf"):
        os.chown(os.path.join(folder, name), user, user)
    libraries = f"{UNPACKED}/libidn12/usr/lib/x86_64-linux-gnu"
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", program, "-C", f"{folder}/exim.conf", "-bdf"]
    return running(with_users(folder, command), port, f"{folder}/log", LD_LIBRARY_PATH=libraries)


def user_id(name, otherwise):
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return otherwise


def postfix(folder, port, sink):
    place = f"{UNPACKED}/postfix/usr"
    user, drop = user_id("postfix", 4101), user_id("postdrop", 4102)
    os.mkdir(f"{folder}/data")
    os.mkdir(f"{folder}/conf")
    os.chown(f"{folder}/data", user, user)
    os.makedirs(f"{folder}/spool/pid")
    for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"):
        os.mkdir(f"{folder}/spool/{name}", 0o700)
        os.chown(f"{folder}/spool/{name}", user, user)
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        os.mkdir(f"{folder}/spool/{name}")
        os.chmod(f"{folder}/spool/{name}", mode)
        os.chown(f"{folder}/spool/{name}", user, drop)
    with open(f"{folder}/conf/main.cf", "w") as conf:
        conf.write(POSTFIX.format(folder=folder, postfix=place, sink=sink))
    with open(f"{folder}/conf/master.cf", "w") as conf:
        conf.write(MASTER.format(port=port))
    command = [f"{place}/lib/postfix/sbin/master", "-c", f"{folder}/conf"]
    return running(
        with_users(folder, command), port, f"{folder}/log", MAIL_CONFIG=f"{folder}/conf", LD_LIBRARY_PATH=f"{place}/lib/postfix",
        POSTLOG_SERVICE="public/postlog", POSTLOG_HOSTNAME="pf.test")


def opensmtpd(folder, port):
    os.mkdir(f"{folder}/mail")
    user = user_id("box", 4106)
    os.chown(f"{folder}/mail", user, user)
    with open(f"{folder}/smtpd.conf", "w") as conf:
        conf.write(OPENSMTPD.format(folder=folder, port=port))
    command = ["bash", "-c", OPENSMTPD_START, "bash", UNPACKED, folder]
    return running(
        with_users(folder, command), port, f"{folder}/log", LD_LIBRARY_PATH=f"{UNPACKED}/libevent-2.1-7/usr/lib/x86_64-linux-gnu")


def sink(folder, port):
    place = f"{UNPACKED}/postfix/usr"
    os.mkdir(f"{folder}/dump")
    os.chmod(f"{folder}/dump", 0o777)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    # The process group is its own, but not its user, so it is found by its parent's group.
    return running(
        [*user, f"{place}/sbin/smtp-sink", "-d", f"{folder}/dump/%H%M%S.", f"127.0.0.1:{port}", "100"], port, f"{folder}/log",
        LD_LIBRARY_PATH=f"{place}/lib/postfix")


def received(pattern):
    found = []
    for path in glob.glob(pattern):
        with open(path, "rb") as file:
            found.append(file.read())
    return found


def place(folder, name):
    path = os.path.join(folder, name)
    os.mkdir(path)
    os.chmod(path, 0o755)
    return path


def check_sink(folder, mails):
    own, port = place(folder, "sink"), free_port()
    with sink(own, port):
        database = Database(folder, "sink.db")
        database.enqueue(message(index, f"r{index}@example.org") for index in range(mails))
        start = time.monotonic()
        database.deliver(f"smtp://127.0.0.1:{port}", concurrency=8)
        seconds = time.monotonic() - start
        # It writes a file when the next command comes.
        eventually("all are written", lambda: len(glob.glob(f"{own}/dump/*")) >= mails)
    numbers = sorted(number(data) for data in received(f"{own}/dump/*"))
    assert numbers == list(range(mails)), f"{len(numbers)} of {mails}"
    print(f"smtp-sink: {mails} mails in {seconds:.1f} s")


def check_refusals(folder, name, url):
    """The same for all servers, whose words differ."""
    database = Database(folder, f"{name}.db")
    database.enqueue(
        [message(index, "box@example.org") for index in range(20)]
        + [message(100, ["reject@example.org"]), message(101, ["box@elsewhere.example"])]
        + [message(102, "box@example.org", attachments=[{"filename": "x", "contentType": "a/b", "content": "QUJD" * 400_000}])])
    database.deliver(url, concurrency=2)
    buried = database.buried()
    assert len(buried) == 3, buried
    return buried, database


def check_exim(folder):
    own, port = place(folder, "exim"), free_port()
    with exim(own, port):
        url = f"smtp://127.0.0.1:{port}"
        buried, database = check_refusals(folder, "exim", url)
        text = str(buried)
        assert "550 no such user" in text and "550 relay not permitted" in text and "552" in text, text
        said = send(url, "s@example.org", ["later@example.org"], b"x\n")
        assert said["kind"] == "temporary" and "451 try later" in said["reply"], said
        said = send(url, "s@example.org", ["later@example.org", "box@example.org", "reject@example.org"], b"X-Number: 200\n\n.\n")
        assert said["accepted"] == "box@example.org" and "no such user" in said["refused"], said
        eventually("all are in the box", lambda: len(glob.glob(f"{own}/mail/new/*")) == 21)
    numbers = sorted(number(data) for data in received(f"{own}/mail/new/*"))
    assert numbers == [*range(20), 200], numbers
    print("exim: 21 mails in its box, 3 buried with its words")


def check_postfix(folder):
    own, port, other, sink_port = place(folder, "postfix"), free_port(), place(folder, "relay"), free_port()
    with sink(other, sink_port), postfix(own, port, sink_port):
        url = f"smtp://127.0.0.1:{port}"
        buried, database = check_refusals(folder, "postfix", url)
        text = str(buried)
        assert "550 5.1.1" in text and "554 5.7.1" in text and "552 5.3.4" in text, text
        eventually("all are relayed", lambda: len(glob.glob(f"{other}/dump/*")) >= 20)
    numbers = sorted(number(data) for data in received(f"{other}/dump/*"))
    assert numbers == [*range(20)], numbers
    print("postfix: 20 mails relayed, 3 buried with its words")


def check_opensmtpd(folder):
    own, port = place(folder, "opensmtpd"), free_port()
    with opensmtpd(own, port):
        url = f"smtp://127.0.0.1:{port}"
        buried, _ = check_refusals(folder, "opensmtpd", url)
        text = str(buried)
        assert "550 Invalid recipient: <reject@example.org>" in text and "554 5.3.4" in text, text
        said = send(url, "s@example.org", ["box@example.org", "reject@example.org"], b"X-Number: 200\n\n.\n")
        assert said["accepted"] == "box@example.org" and "Invalid recipient" in said["refused"], said
        eventually("all are in the box", lambda: len(glob.glob(f"{own}/mail/new/*")) == 21)
    numbers = sorted(number(data) for data in received(f"{own}/mail/new/*"))
    assert numbers == [*range(20), 200], numbers
    print("OpenSMTPD: 21 mails in its box, 3 buried with its words")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--mails", type=int, default=2_000)
    arguments = parser.parse_args()
    delivery.TOOL = os.path.abspath(arguments.tool)
    with tempfile.TemporaryDirectory(prefix="stint-servers-") as folder:
        os.chmod(folder, 0o755)
        check_sink(folder, arguments.mails)
        if os.getuid() != 0:
            print("not root: exim, postfix and OpenSMTPD are left out")
            return
        check_exim(folder)
        check_postfix(folder)
        check_opensmtpd(folder)


if __name__ == "__main__":
    main()
