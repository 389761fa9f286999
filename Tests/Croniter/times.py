"""The times of cron expressions, by croniter. Reads lines of JSON from the file that is named, and answers each by one.

A case is {"cron", "zone", "start", "until"}: times are seconds since 1970, `start` is not a part of the span, `until` is.
Without a zone it is only asked whether the expression is valid. The answer has two lists of times, or an error:

  stint     croniter's times of a clock that is never changed, put on the clock of the zone by the rules of
            docs/schedules.md, with Python's own time zones. Stint must have the same.
  croniter  what croniter itself makes of the zone.

`transitions` are the changes of the clock in the span and a day around it: the second, and by how much.
"""

import datetime
import json
import sys
import zoneinfo

import croniter

UTC = datetime.timezone.utc
DAY = 86_400
# A change of the clock by this much or more is a correction: what it skips is not made up for.
LONGEST_GAP = 3 * 3_600


class Zone:
    def __init__(self, name):
        self.info = zoneinfo.ZoneInfo(name)

    def offset(self, time):
        moment = datetime.datetime.fromtimestamp(time, UTC).astimezone(self.info)
        return int(moment.utcoffset().total_seconds())

    def transitions(self, start, end):
        """The changes of the offset: (second, seconds ahead). Two within half a day are not told apart."""
        found = []
        step = DAY // 2
        for low in range(start, end, step):
            high = min(low + step, end)
            if self.offset(low) != self.offset(high):
                found.append(self.transition(low, high))
        return found

    def transition(self, low, high):
        before = self.offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            if self.offset(middle) == before:
                low = middle
            else:
                high = middle
        return high, self.offset(high) - before


def local(zone, time):
    """As a second of a clock that is never changed."""
    return time + zone.offset(time)


def naive_times(cron, start, end):
    times = croniter.croniter(
        cron,
        datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=start),
        ret_type=datetime.datetime,
        implement_cron_bug=True,
        second_at_beginning=True,
    )
    while True:
        try:
            time = times.get_next()
        except croniter.CroniterBadDateError:
            return
        second = int((time - datetime.datetime(1970, 1, 1)).total_seconds())
        if second > end:
            return
        yield second


def follows_clock(cron):
    fields = cron.split()
    if fields[0] == "@hourly":
        return True
    return any(field.startswith("*") for field in fields[:-3])


def by_stints_rules(case, zone, transitions):
    """Each local time, on the clock of the zone."""
    margin = max([abs(shift) for _, shift in transitions], default=0) + 1
    wild = follows_clock(case["cron"])
    found = set()
    start = local(zone, case["start"]) - margin
    end = local(zone, case["until"]) + margin
    offsets = {zone.offset(case["start"] - DAY)} | {zone.offset(time) for time, _ in transitions}
    for second in naive_times(case["cron"], start, end):
        # The times at which the clock shows this.
        shown = sorted(second - offset for offset in offsets if zone.offset(second - offset) == offset)
        if shown:
            found.update(shown if wild else shown[:1])
            continue
        # The clock never showed this time.
        for time, shift in transitions:
            before = time + zone.offset(time - 1)
            if before <= second < before + shift and shift < LONGEST_GAP and not wild:
                found.add(time)
    return sorted(time for time in found if case["start"] < time <= case["until"])


def by_croniter(case, zone):
    start = datetime.datetime.fromtimestamp(case["start"], UTC).astimezone(zone.info)
    times = croniter.croniter(
        case["cron"], start, ret_type=float, implement_cron_bug=True, second_at_beginning=True
    )
    found = []
    while True:
        try:
            time = int(times.get_next())
        except croniter.CroniterBadDateError:
            return found
        if time > case["until"]:
            return found
        if found and time <= found[-1]:
            # It goes round in circles at some changes of the clock.
            return found
        found.append(time)


def answer(case):
    try:
        if "zone" not in case:
            croniter.croniter(case["cron"], second_at_beginning=True)
            return {"stint": [], "croniter": [], "transitions": []}
        zone = Zone(case["zone"])
        transitions = zone.transitions(case["start"] - DAY, case["until"] + DAY)
        return {
            "stint": by_stints_rules(case, zone, transitions),
            "croniter": by_croniter(case, zone),
            "transitions": transitions,
        }
    except (croniter.CroniterError, ValueError, KeyError, TypeError, IndexError) as error:
        return {"error": str(error)}


for line in open(sys.argv[1]):
    print(json.dumps(answer(json.loads(line))))
