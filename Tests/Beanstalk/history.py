"""The history of a server that was killed again and again, and the check that it can have come about.

Clients write down each command before they send it, and its reply when they have read it. A command takes effect at one
moment between the two. One without a reply may have taken effect until the server died, or not at all. A job is checked by
itself: all states that it can be in are followed through the history, and if none is left, the last reply was wrong.
"""

import collections

# What a job is at a moment. `holder`: the connection that has reserved it. `crashes`: how often its client was lost.
State = collections.namedtuple("State", "status priority holder crashes")
ABSENT = State("absent", None, None, 0)
WAITING = ("ready", "delayed", "buried")


class Call:
    """A command of a connection."""

    def __init__(self, at, connection, life, verb, job=None, priority=None, delay=None, body=None, tubes=()):
        self.at, self.connection, self.life, self.verb = at, connection, life, verb
        self.job, self.priority, self.delay, self.body, self.tubes = job, priority, delay, body, tubes
        self.replied, self.reply, self.seen = None, None, None

    def __repr__(self):
        what = " ".join(str(part) for part in (self.verb, self.job, self.priority, self.delay) if part is not None)
        reply = f"{self.reply} {self.seen or ''}".strip() if self.replied is not None else "no reply"
        return f"{self.at}-{self.replied or ''}: connection {self.connection}, life {self.life}: {what}: {reply}"


class History:
    """All that clients have sent and read, in the order in which they wrote it down. Python's lock makes it one."""

    def __init__(self):
        self.events = []  # ("call", Call), ("reply", Call), ("close", connection) or ("dead", life)

    def note(self, kind, what):
        self.events.append((kind, what))
        return len(self.events)

    def call(self, connection, life, verb, **more):
        call = Call(None, connection, life, verb, **more)
        call.at = self.note("call", call)
        return call

    def reply(self, call, reply, seen=None):
        call.reply, call.seen = reply, seen
        call.replied = self.note("reply", call)

    @property
    def calls(self):
        return [what for kind, what in self.events if kind == "call"]


# MARK: - What a command makes of a job


def after(state, call, reply):
    """The states that a job can have after a command that was answered so."""
    status, _, holder, crashes = state
    mine = status == "reserved" and holder == call.connection
    if call.verb == "put":
        return [State("delayed" if call.delay else "ready", call.priority, None, 0)] if state == ABSENT else []
    if call.verb == "stats-job":
        if reply == "NOT_FOUND":
            return [state] if status in ("absent", "deleted") else []
        return [state] if call.seen is None or call.seen == (status, state.priority) else []
    if call.verb in ("reserve", "reserve-job"):
        if reply == "RESERVED":
            takes = ("ready",) if call.verb == "reserve" else WAITING
            # A buried job is claimed as if it had been kicked.
            crashes = 0 if status == "buried" else crashes
            return [state._replace(status="reserved", holder=call.connection, crashes=crashes)] if status in takes else []
        return [state] if status not in WAITING else []
    if call.verb == "delete":
        if reply == "DELETED":
            return [state._replace(status="deleted", holder=None)] if mine or status in WAITING else []
        return [state] if not mine and status not in WAITING else []
    if call.verb == "kick-job":
        if reply == "KICKED":
            return kicked(state)
        return [state] if status not in ("delayed", "buried") else []
    # The others are for the holder.
    if reply == "NOT_FOUND":
        return [state] if not mine else []
    if not mine:
        return []
    if call.verb == "touch":
        return [state]
    if call.verb == "release":
        return [State("delayed" if call.delay else "ready", call.priority, None, crashes)]
    assert call.verb == "bury", call.verb
    return [State("buried", call.priority, None, crashes)]


def kicked(state):
    """A buried job gets all its crashes back."""
    if state.status == "buried":
        return [state._replace(status="ready", crashes=0)]
    return [state._replace(status="ready")] if state.status == "delayed" else []


DONE = {
    "put": "INSERTED", "reserve": "RESERVED", "reserve-job": "RESERVED", "delete": "DELETED", "release": "RELEASED",
    "bury": "BURIED", "touch": "TOUCHED", "kick-job": "KICKED", "stats-job": "OK",
}


# MARK: - The check


class Checker:
    def __init__(self, history):
        self.history = history
        self.deaths = {what: at for at, (kind, what) in enumerate(history.events, 1) if kind == "dead"}
        self.closed = {what: at for at, (kind, what) in enumerate(history.events, 1) if kind == "close"}
        self.last = len(history.events) + 1
        # What may have changed any job of a tube, without a reply that names it.
        self.hidden = collections.defaultdict(list)
        self.jobs = collections.defaultdict(list)
        self.tubes = {}
        self.bodies = {}
        self.problems = []
        for call in history.calls:
            if call.verb == "put":
                self.bodies[call.body] = call
        for call in history.calls:
            self.sort(call)

    def end(self, call):
        """When it has taken effect at the latest, if it has."""
        return min(call.replied or self.last, self.deaths.get(call.life, self.last))

    def sort(self, call):
        if call.verb == "kick" or call.verb == "reserve" and call.replied is None:
            for tube in call.tubes:
                self.hidden[tube].append(call)
        elif call.verb == "put":
            if call.replied is not None:
                self.know(call.seen, call)
        elif call.verb in ("reserve", "reserve-job") and call.reply == "RESERVED":
            job, body = call.seen
            if body not in self.bodies:
                self.problems.append(f"job {job} has the body {body!r}, which nobody put: {call}")
            else:
                self.know(job, self.bodies[body])
                self.jobs[job].append(call)
        elif call.job is not None:
            self.jobs[call.job].append(call)

    def know(self, job, put):
        """The job has come of that put."""
        if put.seen is not None and put.seen != job:
            self.problems.append(f"{put} is job {put.seen} and job {job}")
        put.seen = job
        if self.tubes.setdefault(job, put) is not put:
            self.problems.append(f"job {job} is of two puts: {put}, {self.tubes[job]}")

    def check(self, final):
        """All that is wrong.

        `final`: the jobs in the store at the end, as (status, priority, crashes, body) by their ids; without deleted ones.
        """
        for job, (_, _, _, body) in final.items():
            if body in self.bodies:
                self.know(job, self.bodies[body])
            else:
                self.problems.append(f"job {job} has the body {body!r}, which nobody put")
        for job, put in self.tubes.items():
            end = final[job][:3] if job in final else ("deleted",)
            problem = self.follow(job, put, end)
            if problem:
                self.problems.append(problem)
        return self.problems

    def follow(self, job, put, final):
        calls = [put] + [call for call in self.jobs[job] if call is not put]
        points = [(call.at, "begin", call) for call in calls]
        points += [(self.end(call), "end", call) for call in calls if call.replied is not None]
        points += [(at, "dead", life) for life, at in self.deaths.items() if at > put.at]
        # At a death what was answered later comes first.
        points.sort(key=lambda point: (point[0], ("begin", "end", "dead").index(point[1])))
        hidden = [call for call in self.hidden[put.tubes[0]] if self.end(call) > put.at]
        worlds, pending, before = {(ABSENT, frozenset())}, [], put.at
        for at, kind, what in points:
            if kind == "begin":
                pending.append(what)
                continue
            between = [call for call in hidden if call.at < at and self.end(call) >= before]
            worlds = self.all_after(worlds, pending, between, at)
            before = at
            if kind == "end":
                worlds = {(state, done - {what}) for state, done in worlds if what in done}
                pending.remove(what)
                if not worlds:
                    return self.story(job, calls, f"this reply cannot be: {what}")
            else:
                pending = [call for call in pending if call.life != what]
                worlds = {(self.given_back(state), frozenset(done & set(pending))) for state, done in worlds}
        worlds = self.all_after(worlds, pending, [call for call in hidden if self.end(call) >= before], self.last)
        ends = {self.given_back(state) for state, _ in worlds}
        if final == ("deleted",):
            # A put without a reply may not have happened.
            fits = any(state.status in ("deleted", "absent") for state in ends)
        else:
            fits = any((state.status, state.priority, state.crashes) == final for state in ends)
        if fits:
            return None
        expected = ", ".join(sorted({f"{state.status} {state.priority}, {state.crashes} crashes" for state in ends}))
        return self.story(job, calls, f"at the end it is {final}, and can only be: {expected}")

    @staticmethod
    def given_back(state):
        """Its server has died, or has ended: that costs nothing."""
        return state._replace(status="ready", holder=None) if state.status == "reserved" else state

    def all_after(self, worlds, pending, hidden, now):
        """All that the commands under way can have made of it, in any order."""
        found, rest = set(worlds), list(worlds)
        kicks = any(call.verb == "kick" for call in hidden)
        takers = [call for call in hidden if call.verb == "reserve"]
        while rest:
            state, done = rest.pop()
            more = []
            for call in pending:
                if call in done:
                    continue
                # Without a reply: what it does if it does something.
                reply = call.reply if call.replied is not None else DONE[call.verb]
                more += [(new, done | {call}) for new in after(state, call, reply)]
            if kicks:
                more += [(new, done) for new in kicked(state)]
            if state.status == "ready":
                more += [
                    (state._replace(status="reserved", holder=call.connection), done | {call}) for call in takers
                    if call not in done]
            if state.status == "reserved" and self.closed.get(state.holder, self.last) < now:
                more.append((self.given_back(state)._replace(crashes=state.crashes + 1), done))
            for world in more:
                if world not in found:
                    found.add(world)
                    rest.append(world)
        return found

    def story(self, job, calls, text):
        lines = [f"job {job}: {text}"] + [f"    {call}" for call in sorted(calls, key=lambda call: call.at)[-25:]]
        lines += [f"    {at}: the server of life {life} is dead" for life, at in self.deaths.items() if at > calls[0].at][:9]
        return "\n".join(lines)


# MARK: - The checker's own check


def check_checker():
    """Small histories that can be, and ones with a single lie, which must be found."""

    def problems(steps, final):
        history, calls = History(), {}
        for step in steps:
            kind, name, *rest = step
            if kind == "call":
                verb, *more = rest
                more = dict(more[0]) if more else {}
                calls[name] = history.call(more.pop("on", 1), more.pop("life", 1), verb, tubes=("a",), **more)
            elif kind == "reply":
                history.reply(calls[name], *rest)
            else:
                history.note(kind, name)
        return Checker(history).check(final)

    put = [("call", "put", "put", {"priority": 5, "delay": 0, "body": "x"}), ("reply", "put", "INSERTED", 1)]
    take = [("call", "take", "reserve"), ("reply", "take", "RESERVED", (1, "x"))]
    dead = [("dead", 1)]

    def again(on=2, life=1):
        return [("call", "again", "reserve", {"on": on, "life": life}), ("reply", "again", "RESERVED", (1, "x"))]

    def one(verb, reply=None, seen=None, **more):
        return [("call", verb, verb, {"job": 1, **more})] + ([("reply", verb, reply, seen)] if reply else [])

    ready = {1: ("ready", 5, 0, "x")}
    # Its client is lost, the next one buries it, and a third one takes it as it is buried.
    lost = put + take + [("close", 1)] + again()
    lost += one("bury", "BURIED", on=2, priority=6) + one("reserve-job", "RESERVED", (1, "x"), on=3) + dead
    can_be = [
        (put, ready), (put + dead, ready), (put + take + dead, ready), (put + take + dead + again(life=2), ready),
        (put[:1] + dead, {}), (put[:1] + dead, ready), (put + take + one("delete", "DELETED"), {}),
        (put + take + one("delete") + dead, ready), (put + take + one("delete") + dead, {}),
        (put + take + one("bury", "BURIED", priority=7) + dead, {1: ("buried", 7, 0, "x")}),
        (put + take + one("release", "RELEASED", priority=7, delay=9) + dead, {1: ("delayed", 7, 0, "x")}),
        (put + take + [("close", 1)] + again(), {1: ("ready", 5, 1, "x")}),
        (lost, {1: ("ready", 6, 0, "x")}),
        # Its reply was read after the death.
        (put + take + [("call", "d", "delete", {"job": 1})] + dead + [("reply", "d", "DELETED")], {}),
    ]
    cannot_be = [
        (put + dead, {}), (put + dead + one("stats-job", "NOT_FOUND", on=2, life=2), {}),
        (put + take + again(), ready), (put + take + dead, {1: ("ready", 5, 1, "x")}),
        (put + take + one("delete", "DELETED") + dead, ready),
        (put + take + one("delete", "DELETED") + dead + again(life=2), {}),
        (put + take + one("delete") + dead + one("stats-job", "OK", ("reserved", 5), on=2, life=2), ready),
        (put + take + one("bury", "BURIED", priority=7) + dead, {1: ("buried", 5, 0, "x")}),
        (put + take + one("bury", "BURIED", priority=7) + dead, ready),
        (put + take + one("release", "RELEASED", priority=7, delay=0) + dead, ready),
        (put + take + one("release", "RELEASED", priority=5, delay=9) + dead + again(life=2), ready),
        (put + take + one("bury", "BURIED", priority=5) + one("kick-job", "KICKED", on=2) + dead,
         {1: ("buried", 5, 0, "x")}),
        (put, {**ready, 2: ("ready", 5, 0, "x")}), (put, {**ready, 2: ("ready", 5, 0, "y")}),
        (put + take + [("close", 1)] + dead, {1: ("ready", 5, 2, "x")}),
        (lost, {1: ("ready", 6, 1, "x")}),
    ]
    for steps, final in can_be:
        found = problems(steps, final)
        assert not found, f"the checker refuses a history that can be: {found}"
    for steps, final in cannot_be:
        assert problems(steps, final), f"the checker lets a history through that cannot be: {steps}, {final}"
