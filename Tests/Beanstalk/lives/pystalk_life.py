"""Jobs with pystalk: pystalk_life.py HOST PORT life | hold TUBE"""

import sys
import time

import pystalk

checks = 0


def client():
    return pystalk.BeanstalkClient(sys.argv[1], int(sys.argv[2]), socket_timeout=20)


def equal(what, found, expected):
    global checks
    checks += 1
    assert found == expected, f"{what}: {found!r:.300}, and {expected!r:.300} is expected"


def fails(what, message, call, *arguments, **more):
    global checks
    checks += 1
    try:
        found = call(*arguments, **more)
    except pystalk.BeanstalkError as error:
        assert error.message == message, f"{what}: {error.message}, and {message} is expected"
        return
    raise AssertionError(f"{what}: {found!r:.300}, and {message} is expected")


def hold(tube):
    holder = client()
    holder.watchlist = {tube}
    print(holder.reserve_job(10).job_id, flush=True)
    time.sleep(1_000)


def life():
    producer, worker, other = client(), client(), client()
    producer.use("mail")
    worker.watchlist = {"mail"}
    other.watchlist = {"mail"}
    equal("alive", producer.ping(), True)

    for body, priority in ((b"last", 4_294_967_295), (b"second", 5), (b"third", 5), (b"first", 0)):
        producer.put_job(body, pri=priority)
    for body in (b"first", b"second", b"third", b"last"):
        job = worker.reserve_job(0)
        equal("the order", job.job_data, body)
        worker.delete_job(job.job_id)
    fails("an empty tube", "TIMED_OUT", worker.reserve_job, 0)

    for body in (bytes(range(256)) * 3, b"", b"\r\n", b"a\r\nquit\r\n", "Grüße".encode("latin-1"), b"x" * 65_535):
        _, number = producer.put_job(body)
        job = worker.reserve_job(0)
        equal("a body", (job.job_id, job.job_data), (number, body))
        worker.delete_job(job.job_id)
    fails("a job too big", "JOB_TOO_BIG", producer.put_job, b"x" * 65_536)

    begin = time.monotonic()
    _, number = producer.put_job(b"delayed", delay=1)
    equal("the delayed job", producer.peek_delayed().job_id, number)
    fails("before the delay ends", "TIMED_OUT", worker.reserve_job, 0)
    job = worker.reserve_job(5)
    equal("after the delay", (job.job_id, time.monotonic() - begin >= 0.99), (number, True))

    begin = time.monotonic()
    worker.release_job(number, pri=7, delay=1)
    stats = producer.stats_job(number)
    equal("released", [stats[key] for key in ("state", "pri", "delay", "releases")], ["delayed", 7, 1, 1])
    job = worker.reserve_job(5)
    equal("released and reserved", (job.job_id, time.monotonic() - begin >= 0.99), (number, True))

    worker.bury_job(number, pri=9)
    equal("the buried job", producer.peek_buried().job_data, b"delayed")
    fails("buried jobs are not reserved", "TIMED_OUT", worker.reserve_job, 0)
    equal("kicked", producer.kick_jobs(10)[1], 1)
    stats = producer.stats_job(number)
    equal("after a kick", [stats[key] for key in ("state", "pri", "reserves", "buries", "kicks", "tube")],
          ["ready", 9, 2, 1, 1, "mail"])
    worker.bury_job(worker.reserve_job(0).job_id)
    producer.kick_job(number)
    equal("the ready job", producer.peek_ready().job_id, number)
    job = worker.reserve_job(0)
    fails("another connection's job", "NOT_FOUND", other.delete_job, number)
    fails("another connection's job", "NOT_FOUND", other.release_job, number)
    worker.delete_job(number)
    fails("a deleted job", "NOT_FOUND", worker.delete_job, number)

    # pystalk has no touch. The end of the time to run; beanstalkd 1.12 may see it only when the connection sends something.
    producer.put_job(b"timed out", ttr=1)
    job = worker.reserve_job(0)
    fails("within its last second", "DEADLINE_SOON", worker.reserve_job, 0)
    time.sleep(1.1)
    worker.list_tubes()
    again = other.reserve_job(5)
    equal("timed out", (again.job_id, other.stats_job(again.job_id)["timeouts"]), (job.job_id, 1))
    fails("its lease is lost", "NOT_FOUND", worker.bury_job, job.job_id)
    other.close()
    equal("a closed connection's job", worker.reserve_job(5).job_id, job.job_id)
    worker.delete_job(job.job_id)

    worker.watch("more")
    equal("watched", sorted(worker.watchlist), ["mail", "more"])
    equal("tubes", sorted(worker.list_tubes()), ["default", "mail", "more"])
    worker.ignore("more")
    fails("the last tube", "NOT_IGNORED", worker.ignore, "mail")
    fails("a tube that is not there", "NOT_FOUND", worker.stats_tube, "more")
    with producer.using("elsewhere") as inserter:
        _, number = inserter.put_job(b"elsewhere")
    equal("elsewhere", producer.stats_job(number)["tube"], "elsewhere")
    producer.put_job_into("mail", b"paused")
    producer.pause_tube("mail", 1_000)
    fails("a paused tube", "TIMED_OUT", worker.reserve_job, 0)
    producer.unpause_tube("mail")
    job = worker.reserve_job(5)
    tube = producer.stats_tube("mail")
    equal("a tube", [tube[key] for key in ("name", "current-jobs-reserved", "current-watching")], ["mail", 1, 1])
    worker.delete_job(job.job_id)
    # The client connects again by itself.
    worker.close()
    worker.watchlist = {"mail"}
    producer.put_job_into("mail", b"again")
    equal("connected again", worker.reserve_job(5).job_data, b"again")
    stats = producer.stats()
    equal("the server", [stats[key] for key in ("current-jobs-ready", "current-jobs-reserved", "job-timeouts", "draining")],
          [1, 1, 1, False])
    print(f"{checks} checks")


hold(sys.argv[4]) if sys.argv[3] == "hold" else life()
