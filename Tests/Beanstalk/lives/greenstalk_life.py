"""Jobs with greenstalk: greenstalk_life.py HOST PORT life | hold TUBE"""

import sys
import time

import greenstalk

address = (sys.argv[1], int(sys.argv[2]))
checks = 0


def client(**options):
    return greenstalk.Client(address, encoding=None, **options)


def equal(what, found, expected):
    global checks
    checks += 1
    assert found == expected, f"{what}: {found!r:.300}, and {expected!r:.300} is expected"


def raises(what, kind, call, *arguments, **more):
    global checks
    checks += 1
    try:
        found = call(*arguments, **more)
    except kind:
        return
    raise AssertionError(f"{what}: {found!r:.300}, and {kind.__name__} is expected")


def hold(tube):
    holder = client(watch=tube)
    print(holder.reserve(timeout=10).id, flush=True)
    time.sleep(1_000)


def life():
    producer, worker, other = client(use="mail"), client(use="mail", watch="mail"), client(watch="mail")

    # Priorities, and the order of their arrival among equals.
    for body, priority in ((b"last", 4_294_967_295), (b"second", 5), (b"third", 5), (b"first", 0)):
        producer.put(body, priority=priority)
    for body in (b"first", b"second", b"third", b"last"):
        job = worker.reserve(timeout=0)
        equal("the order", job.body, body)
        worker.delete(job)
    raises("an empty tube", greenstalk.TimedOutError, worker.reserve, timeout=0)

    # Bodies come back as they were.
    for body in (bytes(range(256)) * 3, b"", b"\r\n", b"a\r\nquit\r\n", "Grüße".encode("latin-1"), b"x" * 65_535):
        number = producer.put(body)
        equal("a peek", producer.peek(number).body, body)
        job = worker.reserve(timeout=0)
        equal("a body", (job.id, job.body), (number, body))
        worker.delete(job)
    raises("a job too big", greenstalk.JobTooBigError, producer.put, b"x" * 65_536)

    # A delay.
    begin = time.monotonic()
    number = producer.put(b"delayed", delay=1)
    equal("the delayed job", producer.peek_delayed().id, number)
    equal("its state", producer.stats_job(number)["state"], "delayed")
    raises("before the delay ends", greenstalk.TimedOutError, worker.reserve, timeout=0)
    job = worker.reserve(timeout=5)
    equal("after the delay", (job.id, time.monotonic() - begin >= 0.99), (number, True))

    # Release with a delay and another priority.
    begin = time.monotonic()
    worker.release(job, priority=7, delay=1)
    stats = producer.stats_job(job)
    equal("released", [stats[key] for key in ("state", "pri", "delay", "releases")], ["delayed", 7, 1, 1])
    job = worker.reserve(timeout=5)
    equal("released and reserved", (job.id, time.monotonic() - begin >= 0.99), (number, True))

    # Bury and kick.
    worker.bury(job, priority=9)
    equal("the buried job", producer.peek_buried().body, b"delayed")
    raises("buried jobs are not reserved", greenstalk.TimedOutError, worker.reserve, timeout=0)
    equal("kicked", producer.kick(10), 1)
    stats = producer.stats_job(number)
    equal("after a kick", [stats[key] for key in ("state", "pri", "reserves", "buries", "kicks", "tube")],
          ["ready", 9, 2, 1, 1, "mail"])
    job = worker.reserve_job(number)
    worker.bury(job)
    producer.kick_job(number)
    job = worker.reserve(timeout=0)
    raises("another connection's job", greenstalk.NotFoundError, other.delete, job)
    raises("another connection's job", greenstalk.NotFoundError, other.release, job)
    worker.delete(job)
    raises("a deleted job", greenstalk.NotFoundError, worker.delete, job)

    # Touch: 2 seconds of time to run last longer.
    producer.put(b"touched", ttr=2)
    job = worker.reserve(timeout=0)
    for _ in range(2):
        time.sleep(1.2)
        worker.touch(job)
    equal("touched", worker.stats_job(job)["timeouts"], 0)
    worker.delete(job)

    # The end of the time to run. beanstalkd 1.12 may see it only when the connection sends something.
    producer.put(b"timed out", ttr=1)
    job = worker.reserve(timeout=0)
    raises("within its last second", greenstalk.DeadlineSoonError, worker.reserve, timeout=0)
    time.sleep(1.1)
    worker.using()
    again = other.reserve(timeout=5)
    equal("timed out", (again.id, other.stats_job(again)["timeouts"]), (job.id, 1))
    raises("its lease is lost", greenstalk.NotFoundError, worker.touch, job)
    raises("its lease is lost", greenstalk.NotFoundError, worker.bury, job)
    other.close()
    equal("a closed connection's job", worker.reserve(timeout=5).id, job.id)
    worker.delete(job)

    # Tubes.
    equal("watched", worker.watch("more"), 2)
    equal("watched", sorted(worker.watching()), ["mail", "more"])
    equal("tubes", sorted(worker.tubes()), ["default", "mail", "more"])
    equal("ignored", worker.ignore("more"), 1)
    raises("the last tube", greenstalk.NotIgnoredError, worker.ignore, "mail")
    equal("tubes", sorted(worker.tubes()), ["default", "mail"])
    raises("a tube that is not there", greenstalk.NotFoundError, worker.stats_tube, "more")
    producer.put(b"paused")
    producer.pause_tube("mail", 1_000)
    raises("a paused tube", greenstalk.TimedOutError, worker.reserve, timeout=0)
    equal("a paused tube", worker.stats_tube("mail")["pause"], 1_000)
    producer.pause_tube("mail", 0)
    job = worker.reserve(timeout=5)
    tube = producer.stats_tube("mail")
    equal("a tube", [tube[key] for key in ("current-jobs-reserved", "current-jobs-ready", "current-using", "current-watching")],
          [1, 0, 2, 1])
    worker.delete(job)
    stats = producer.stats()
    equal("the server", [stats[key] for key in ("current-jobs-ready", "current-jobs-reserved", "job-timeouts", "draining")],
          [0, 0, 1, "false"])
    print(f"{checks} checks")


hold(sys.argv[4]) if sys.argv[3] == "hold" else life()
