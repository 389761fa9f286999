"""What schemathesis does beside its own."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    # A claim may wait for half a minute; thousands of them may not.
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("waitMilliseconds"), int) and body["waitMilliseconds"] <= 30_000:
        body["waitMilliseconds"] = min(body["waitMilliseconds"], 20)
    # As one may wait for a mail.
    query = case.query
    if isinstance(query, dict) and case.path.endswith("/mails/wait"):
        if query.get("timeoutMilliseconds") is None:
            query["timeoutMilliseconds"] = 20
        elif isinstance(query["timeoutMilliseconds"], int) and 20 < query["timeoutMilliseconds"] <= 30_000:
            query["timeoutMilliseconds"] = 20
