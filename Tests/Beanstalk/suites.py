"""Runs the test suites of beanstalkd's clients, as they are, against Stint by the name of beanstalkd.

    Tests/Beanstalk/setup && .build/beanstalk-venv/bin/python Tests/Beanstalk/suites.py .build/debug/stint [CHECKOUT…]
    … suites.py --server /usr/bin/beanstalkd [CHECKOUT…]

Without checkouts it is that of pystalk 0.6.0, which is on the Python Package Index. A checkout is a folder with greenstalk, pystalk,
Pheanstalk (branch v5) or beaneater from GitHub; the last two need Debian's phpunit, ruby-minitest and ruby-mocha. As many tests
must pass as pass with beanstalkd 1.12.
"""

import argparse
import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from servers import Server, command  # noqa: E402

OLD_PYSTALK = os.path.join(HERE, "..", "..", ".build", "pystalk-0.6.0")

AUTOLOAD = """<?php
spl_autoload_register(function (string $class): void {
    foreach (['Pheanstalk\\\\Tests\\\\' => 'tests/', 'Pheanstalk\\\\' => 'src/'] as $prefix => $folder) {
        $file = __DIR__ . '/../' . $folder . str_replace('\\\\', '/', substr($class, strlen($prefix))) . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require_once $file;
            return;
        }
    }
});
"""

# beaneater's suite is written for coveralls and minitest 4. Without these lines its teardown is never run, and a third of it fails
# with every server.
COVERALLS = """
module Coveralls; def self.wear!; end; end
require 'minitest/autorun'
require 'minitest/unit'
Minitest::Unit.send(:remove_const, :TestCase)
Minitest::Unit.const_set(:TestCase, Minitest::Test)
"""


def run(folder, arguments, **environment):
    done = subprocess.run(
        arguments, cwd=folder, env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **environment), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=600)
    return done.returncode, done.stdout.decode(errors="replace")


def pytest(program, folder, copy, **environment):
    """A suite that starts the server by itself."""
    with tempfile.TemporaryDirectory(prefix="stint-suite-") as place:
        code, said = run(
            copy, [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
            BEANSTALKD_PATH=command(program, place), TMPDIR=place, **environment)
    found = re.search(r"(?:(\d+) failed, )?(\d+) passed", said)
    return code == 0 and not found[1], int(found[2]) if found else 0, said


def greenstalk(program, folder, copy):
    return pytest(program, folder, copy, PYTHONPATH=os.path.join(copy, "src"))


def pystalk(program, folder, copy):
    return pytest(program, folder, copy, PYTHONPATH=copy)


def old_pystalk(program, folder, copy):
    # Its own library is for older Pythons, and its tests are for any.
    shutil.rmtree(os.path.join(copy, "pystalk"))
    return pytest(program, folder, copy)


def pheanstalk(program, folder, copy):
    os.makedirs(os.path.join(copy, "vendor"), exist_ok=True)
    with open(os.path.join(copy, "vendor", "autoload.php"), "w") as file:
        file.write(AUTOLOAD)
    with Server(program, port=11300) as server, Server(program) as local:
        # Those that look for hosts outside are left out.
        code, said = run(
            copy, ["phpunit", "--no-configuration", "--bootstrap", "tests/bootstrap.php", "--filter",
                   "/^(?!.*testExceptionOnNonExistentHost).*$/", "tests/Integration"],
            SERVER_HOST=server.host, UNIX_SERVER_HOST=f"unix://{local.path}")
    # It says "OK" and ends with 0 too if all are skipped.
    found = re.search(r"^OK \((\d+) tests", said, re.MULTILINE)
    return code == 0 and bool(found), int(found[1]) if found else 0, said


def beaneater(program, folder, copy):
    os.makedirs(os.path.join(copy, "shim"))
    with open(os.path.join(copy, "shim", "coveralls.rb"), "w") as file:
        file.write(COVERALLS)
    with Server(program, port=11300):
        code, said = run(
            copy, ["ruby", "-Ishim", "-Ilib", "-Itest", "-e",
                   "Dir['test/**/*_test.rb'].sort.each { |file| require File.expand_path(file) }", "--", "--seed", "1"])
    found = re.search(r"^(\d+) runs, \d+ assertions, (\d+) failures, (\d+) errors, (\d+) skips", said, re.MULTILINE)
    return code == 0 and bool(found) and found.groups()[1:] == ("0", "0", "0"), int(found[1]) if found else 0, said


# How each is told, and how many tests pass with beanstalkd 1.12.
SUITES = [
    ("pystalk 0.6.0", os.path.join("pystalk.egg-info", "PKG-INFO"), old_pystalk, 30),
    ("greenstalk", os.path.join("src", "greenstalk"), greenstalk, 44),
    ("pystalk", os.path.join("pystalk", "client.py"), pystalk, 54),
    ("Pheanstalk", os.path.join("src", "Pheanstalk.php"), pheanstalk, 243),
    ("beaneater", "beaneater.gemspec", beaneater, 110),
]


def alone():
    """A network of its own with nothing but 127.0.0.1, if this is root: the suites have fixed ports, and some look outside."""
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        print("not root: the suites' fixed ports are used on this machine", file=sys.stderr)
        return
    with contextlib.closing(socket.socket()) as any_socket:
        # Brings the interface up.
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="STINT [CHECKOUT…]")
    parser.add_argument("--server", help="another server in Stint's place")
    parser.add_argument("--keep-going", action="store_true", help="print what fails, and go on")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.server or (arguments.paths.pop(0) if arguments.paths else parser.error("which server?")))
    alone()
    passed = True
    for folder in [OLD_PYSTALK, *arguments.paths]:
        suite = next((suite for suite in SUITES if os.path.exists(os.path.join(folder, suite[1]))), None)
        if suite is None:
            sys.exit(f"{folder} has none of these suites: {', '.join(suite[0] for suite in SUITES)}")
        name, _, task, expected = suite
        with tempfile.TemporaryDirectory(prefix="stint-suite-") as place:
            copy = os.path.join(place, "suite")
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".git"))
            begin = time.monotonic()
            good, count, said = task(program, folder, copy)
        print(f"{name}: {count} of {expected} passed in {time.monotonic() - begin:.1f} s", flush=True)
        if not good or count != expected:
            passed = False
            print(said, file=sys.stderr, flush=True)
            if not arguments.keep_going:
                break
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
