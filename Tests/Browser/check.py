#!/usr/bin/env python3
"""The dashboard in a real browser: every page at two widths, light and dark, with and without JavaScript.

    check.py STINT [--screenshots FOLDER]
"""

import argparse
import itertools
import json
import os
import subprocess
import tempfile
import time
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

import checks
import mails
from checks import check, launched
from showcase import Showcase
from site_with_jobs import HOSTILE, Site, queue_name


class Browser:
    """Chromium, and what it has complained of."""

    def __init__(self, playwright):
        self.browser = launched(playwright)

    def page(self, site, width=1440, scheme="light", script=True, expected=()):
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("dialog", lambda dialog: (check(False, f"a dialog opened at {page.url}"), dialog.dismiss()))

        def complain(message):
            if message.type in ("error", "warning") and not any(text in message.text for text in expected):
                check(False, f"{page.url}: the browser says {message.text}")
        page.on("console", complain)
        page.on("pageerror", lambda error: check(False, f"{page.url}: the script fails: {error}"))
        # The stream of a live page would keep "networkidle" away.
        page.base = site.address
        page.visit = lambda path: page.goto(page.base + path, wait_until="load")
        return page


def every_page(browser, site):
    for width, scheme, script in itertools.product((375, 1440), ("light", "dark"), (True, False)):
        page = browser.page(site, width, scheme, script, expected=("404", "sandbox", "img-src data:"))
        for path in site.pages():
            how = f"{path} at {width} px, {scheme}, {'with' if script else 'without'} JavaScript"
            answer = page.visit(path)
            check(answer.status == (404 if "999999" in path else 200), f"{how}: status {answer.status}")
            # Playwright's own evaluation needs the page's JavaScript to be on.
            if not script:
                check(page.locator("h1").count() == 1, f"{how}: there is not one heading")
                continue
            size = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
            check(size[0] <= size[1], f"{how}: the page is {size[0]} px wide in a window of {size[1]} px")
            check(page.evaluate("window.pwned") is None, f"{how}: a text was run as a script")
            for violation in Axe().run(page).response["violations"]:
                nodes = [node["html"][:160] for node in violation["nodes"][:3]]
                check(False, f"{how}: {violation['id']}: {violation['help']}: {nodes}")
        page.context.close()


def hostile_texts(browser, site):
    page = browser.page(site, expected=("sandbox",))
    page.visit("/queues")
    shown = page.locator("tbody th").all_inner_texts()
    for text in HOSTILE:
        check(any(queue_name(text) in name for name in shown), f"the queue {text!r} is not shown as it is")
    for number in site.hostile:
        page.visit(f"/jobs/{number}")
        check(page.evaluate("window.pwned") is None, f"the payload of job {number} was run")
    check("12345678901234567890.10" in visited(page, f"/jobs/{site.json}"), "a long number is not shown as it was written")
    check("<script>" not in visited(page, f"/jobs/{site.html}"), "HTML is shown outside of a frame")
    check("no such user 42" in visited(page, f"/jobs/{site.failed}"), "the standard error of a failure is missing")
    check("SIGSEGV" in visited(page, f"/jobs/{site.killed}"), "the signal of a death is missing")
    page.context.close()


def visited(page, path):
    page.visit(path)
    return page.locator("main").inner_text()


def live_values(browser, site):
    page = browser.page(site)
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const entry of list.getEntries()) "
        "window.shift += entry.value; }).observe({type: 'layout-shift', buffered: true})")
    page.visit("/queues")
    before = int(page.locator('[data-live="queue:mail:ready"]').inner_text().replace("\u202f", ""))
    site.put("mail", "one more")
    started = time.monotonic()
    expect(page.locator('[data-live="queue:mail:ready"]')).to_have_text(str(before + 1), timeout=5_000)
    print(f"live: a new job showed after its enqueue had returned for {1000 * (time.monotonic() - started):.0f} ms", flush=True)
    check(page.evaluate("window.shift") == 0, "the layout moved when a number changed")

    # A new queue is a new row, and focus stays where it is.
    page.locator('[data-live="queue:mail:ready"]').focus()
    site.put("brand-new", "x")
    page.wait_for_selector("text=brand-new", timeout=5_000)
    check(page.evaluate("document.activeElement.dataset.live") == "queue:mail:ready", "focus was lost by an update")
    page.context.close()


def actions(browser, site, script):
    how = "with" if script else "without"
    page = browser.page(site, script=script, expected=("400",))
    page.visit(f"/jobs/{site.failed}")
    page.click("button:text-is('Kick')")
    page.wait_for_selector("text=kicked: ready again")
    check("ready" in page.locator(".lead").inner_text(), f"{how} JavaScript: a kicked job is not ready")
    page.fill("#reason", "not now, <b>please</b>")
    page.click("button:text-is('Bury')")
    page.wait_for_selector("text=buried.")
    check("not now, <b>please</b>" in page.locator(".lead").inner_text(), f"{how} JavaScript: the reason is not shown")
    page.visit("/queues/mail")
    page.click("button:text-is('Pause')")
    page.wait_for_selector("text=Nothing of it is started")
    page.click("button:text-is('Resume')")
    page.wait_for_selector("text=Resumed.")
    page.fill("#rate", "50/1s")
    page.click("button:text-is('Set')")
    page.wait_for_selector("text=The limits are set.")
    check(page.locator("#rate").input_value() == "50/1s", f"{how} JavaScript: the rate was not set")
    page.fill("#rate", "fifty")
    page.click("button:text-is('Set')")
    check("expected a number and a time" in page.locator("main").inner_text(), f"{how} JavaScript: a wrong rate gets no reason")
    page.visit("/queues/mail")
    page.fill("#rate", "")
    page.click("button:text-is('Set')")
    page.wait_for_selector("text=The limits are set.")
    page.visit("/jobs?q=queue:bulk")
    page.locator("input[name=id]").first.check()
    page.locator("input[name=id]").nth(1).check()
    page.click("button:text-is('Cancel')")
    page.wait_for_selector("text=2 jobs cancelled.")
    page.visit("/schedules")
    page.click("button:text-is('Run now')")
    page.wait_for_selector("text=This job was enqueued.")
    page.visit(f"/jobs/{site.json}")
    page.click("summary:text-is('Copy as a new job')")
    page.fill("#copy-payload", '{"copied": true}')
    page.click("button:text-is('Enqueue the copy')")
    page.wait_for_selector("text=This job was enqueued.")
    check("copied" in page.locator(".payload").inner_text(), f"{how} JavaScript: the copy has another payload")
    page.context.close()


def bulk(browser, site, script):
    """All jobs of a filter: a preview, an operation, and a deleted set that comes back."""
    how = "with" if script else "without"
    page = browser.page(site, script=script)
    for number in range(30):
        site.put(f"bulk-{how}", f"job {number}")
    page.visit(f"/jobs?q=queue:bulk-{how}")
    page.click("text=Change all of them")
    check("Change 30 jobs" in page.locator("h1").inner_text(), f"{how} JavaScript: the preview does not count 30 jobs")
    check(page.locator("tbody tr").count() == 10, f"{how} JavaScript: the preview has not ten samples")
    page.select_option("#action", "delete")
    page.click("button:text-is('Begin')")
    await_text(page, "done", script)
    check("30 of 30" in page.locator(".facts").inner_text().replace("\n", " "), f"{how} JavaScript: not all 30 were deleted")
    check(json.loads(site.run("list", f"queue:bulk-{how}", "--json") or "[]") == [], f"{how} JavaScript: jobs are left")
    page.click("button:text-is('Bring the jobs back')")
    await_text(page, "done", script)
    check(len(site.run("list", f"queue:bulk-{how}", "--json").splitlines()) == 30, f"{how} JavaScript: they are not back")
    page.visit("/operations")
    check("web:local" in page.locator("main").inner_text(), f"{how} JavaScript: who did it is not recorded")
    page.context.close()


def await_text(page, text, script):
    """Of a page that changes by itself, or, without JavaScript, when it is loaded again."""
    deadline = time.monotonic() + 10
    while text not in page.locator(".lead").inner_text():
        assert time.monotonic() < deadline, f"{page.url} does not say {text}"
        if script:
            page.wait_for_timeout(50)
        else:
            page.reload()


def caught_mails(browser, site, script):
    """The list changes when a mail comes, a mail's HTML does nothing, and mails are found and deleted."""
    how = "with" if script else "without"
    page = browser.page(site, script=script, expected=("sandbox", "img-src data:"))
    page.visit("/mail/1")
    frame = page.frame_locator("iframe")
    check("Bonjour" in frame.locator("h1").inner_text(), f"{how} JavaScript: the HTML of a mail is not shown")
    check(script is False or page.evaluate("window.pwned") is None, f"{how} JavaScript: a mail has run a script")
    links = page.locator("main .list a").all_inner_texts()
    check("https://shop.example/order/7" in links, f"{how} JavaScript: the links are {links}")
    page.visit("/mail")
    mails.send(site.mail_address, mails.mail(f"new-{how}@example.org", f"A new mail, {how}", "Hello\n"))
    if script:
        page.wait_for_selector(f"text=A new mail, {how}", timeout=5_000)
    page.fill("#to", f"new-{how}")
    page.click("button:text-is('Show')")
    check(page.locator("tbody tr").count() == 1, f"{how} JavaScript: the search has not found the one mail")
    page.click("button:text-is('Delete these')")
    page.wait_for_selector("text=1 mail")
    page.visit(f"/mail?to=new-{how}")
    check(page.locator("tbody tr").count() == 0, f"{how} JavaScript: a mail that was deleted is listed")
    page.context.close()


def errors(browser, site):
    page = browser.page(site)
    page.visit("/errors")
    text = page.locator("#buried").locator("..").inner_text()
    check("SIGSEGV" in text, f"the group of the death is missing: {text}")
    page.locator("tr", has_text="SIGSEGV").locator("text=Kick all of these").click()
    check(page.locator("#action").input_value() == "kick", "the preview does not offer the kick")
    page.click("button:text-is('Begin')")
    await_text(page, "done", True)
    page.visit(f"/jobs/{site.killed}")
    check("ready" in page.locator(".lead").inner_text(), "a group of errors was not kicked")
    page.context.close()


def orders(browser, site):
    page = browser.page(site)
    page.visit("/workers")
    page.click("button:text-is('Quiet')")
    page.wait_for_selector("text=The worker was told")
    page.wait_for_selector("text=quiet: claims no more")
    page.click("button:text-is('Work again')")
    page.wait_for_selector("button:text-is('Quiet')")
    page.context.close()


def keyboard(browser, site):
    page = browser.page(site)
    page.visit("/jobs")
    page.keyboard.press("Tab")
    check(page.evaluate("document.activeElement.className") == "skip", "the first Tab does not reach the skip link")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    check(page.evaluate("document.activeElement.id") == "q", "after the skip link, Tab does not reach the filter")
    page.keyboard.type("state:buried")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs?q=state%3Aburied")
    check(page.locator("tbody tr").count() >= 1, "the filter found nothing")
    page.context.close()


def pages_of_jobs(browser, site):
    page = browser.page(site)
    page.visit("/jobs?q=queue:bulk")
    seen = set()
    while True:
        ids = page.locator("tbody th a").all_inner_texts()
        check(seen.isdisjoint(ids), "a job is on two pages of the list")
        seen.update(ids)
        following = page.locator("a[rel=next]")
        if following.count() == 0:
            break
        following.click()
        page.wait_for_load_state()
    check(len(seen) == 120, f"the list has {len(seen)} jobs of 120")
    page.context.close()


def signing_in(browser, stint, folder):
    users = os.path.join(folder, "users")
    tokens = {
        role: os.popen(f"'{stint}' serve --new-token {role}er --role {role} --auth-file '{users}'").read().strip()
        for role in ("view", "operate")
    }
    with Site(stint, "--auth-file", users) as site:
        page = browser.page(site, expected=("403",))
        page.visit("/")
        check(page.url.endswith("/sign-in"), "without a token there is a page")
        page.fill("#token", "wrong")
        page.click("button")
        page.wait_for_selector("text=There is no such token.")
        for violation in Axe().run(page).response["violations"]:
            check(False, f"the sign-in page: {violation['id']}: {violation['help']}")
        page.fill("#token", tokens["view"])
        page.click("button")
        page.wait_for_selector("h1:text-is('Overview')")
        page.visit(f"/jobs/{site.failed}")
        check(page.locator("button:text-is('Kick')").count() == 0, "who may only look is offered a change")
        cookie = page.context.cookies()[0]
        check(cookie["httpOnly"] and cookie["sameSite"] == "Strict", f"the session's cookie is {cookie}")
        status = page.evaluate(
            "id => fetch(`/jobs/${id}/actions`, {method: 'POST', redirect: 'manual', body: new URLSearchParams({action: 'kick'})})"
            ".then(answer => answer.status)", site.failed)
        check(status == 403, f"a change by one who may only look is answered {status}")
        page.click("button:text-is('Sign out')")
        page.wait_for_selector("h1:text-is('Sign in')")
        page.context.close()


def without_tls(browser, stint):
    """From another machine by plain HTTP: the browser sends no Sec-Fetch-Site, and `Origin: null`."""
    other = next((address for address in subprocess.run(
        ["hostname", "-I"], capture_output=True, text=True).stdout.split() if ":" not in address), None)
    if other is None:
        return print("this machine has no other address than its own: not checked without TLS")
    with tempfile.TemporaryDirectory(prefix="stint-browser-") as folder:
        users = os.path.join(folder, "users")
        token = subprocess.run(
            [stint, "serve", "--new-token", "otto", "--role", "operate", "--auth-file", users],
            capture_output=True, text=True, check=True).stdout.strip()
        database = os.path.join(folder, "stint.db")
        subprocess.run([stint, "put", "--db", database, "--queue", "mail", "x"], check=True, capture_output=True)
        server = subprocess.Popen(
            [stint, "serve", "--db", database, "--auth-file", users, "--web", f"{other}:0"], stdout=subprocess.PIPE, text=True)
        try:
            address = server.stdout.readline().strip().rstrip("/")
            for script in (True, False):
                context = browser.browser.new_context(java_script_enabled=script)
                page = context.new_page()
                sent = []
                page.on("request", lambda request: request.method == "POST" and sent.append(request.all_headers()))
                page.goto(address + "/")
                page.fill("#token", token)
                page.click("main button")
                page.goto(address + "/queues/mail")
                check(page.locator("h1").inner_text() == "Queue mail", f"without TLS nobody can sign in: {page.url}")
                if script:
                    # What comes by the stream has the token too.
                    subprocess.run([stint, "put", "--db", database, "--queue", "mail", "y"], check=True, capture_output=True)
                    subprocess.run([stint, "pause", "--db", database, "mail"], check=True, capture_output=True)
                    page.get_by_role("button", name="Resume").click()
                    page.wait_for_url("**done=resumed")
                page.get_by_role("button", name="Pause").click()
                page.wait_for_url("**done=paused")
                page.get_by_role("button", name="Resume").click()
                page.wait_for_url("**done=resumed")
                check(len(sent) >= 3 and all(
                    headers.get("origin") == "null" and "sec-fetch-site" not in headers for headers in sent),
                    f"the browser sends more than was thought: {sent}")
                context.close()
        finally:
            server.terminate()
            server.wait(timeout=20)


def dry_run(browser, site, script):
    """The handler of a buried job runs on a copy; its page shows what it wrote, and nothing has changed."""
    how = "with" if script else "without"
    command = "echo '<img src=x onerror=window.pwned=1>'; cat; sleep 1; echo done >&2; exit 3"
    address, _ = site.serve("--dry-run-command", f"broken={command}")
    before = site.run("show", str(site.failed), "--json")
    page = browser.page(site, script=script)
    page.goto(f"{address}/jobs/{site.failed}")
    page.get_by_role("button", name="Dry run").click()
    page.wait_for_url("**/dry-runs/*")
    text = page.locator("main").inner_text()
    check("<img src=x onerror=window.pwned=1>" in text and "it fails" in text, f"{how} JavaScript: no output: {text}")
    check("the job would run again" in text or "the job would be buried" in text, f"{how} JavaScript: no verdict: {text}")
    check(site.run("show", str(site.failed), "--json") == before, f"{how} JavaScript: a dry run has changed the job")
    if script:
        check(page.evaluate("window.pwned") is None, "the output of a handler runs as a script")
        found = Axe().run(page)
        check(found.violations_count == 0, f"{page.url}: {found.generate_report()}")
    page.context.close()


def other_sites(browser, site):
    """A page of another origin sends a form, and a frame of it shows the dashboard."""
    page = browser.page(site, expected=("frame", "Frame", "403"))
    page.route("http://evil.example/", lambda route: route.fulfill(
        content_type="text/html",
        body=f"<form method=post action='{site.address}/queues/mail/pause'><button>go</button></form>"
             f"<iframe src='{site.address}/'></iframe>"))
    page.goto("http://evil.example/")
    check("Overview" not in page.frames[-1].content(), "another site's frame shows the dashboard")
    with page.expect_navigation():
        page.click("button")
    check("another site" in page.content(), "another site's form was accepted")
    page.context.close()


def screenshots(browser, site, folder):
    """All pages as most people see them, and some of them dark, and on a telephone."""
    os.makedirs(folder, exist_ok=True)
    pages = {
        "overview": "/", "jobs": "/jobs?q=queue:newsletter", "job": f"/jobs/{site.json}",
        "failed-job": f"/jobs/{site.failed}", "errors": "/errors", "queue": "/queues/newsletter",
        "preview": "/operations/new?q=queue:newsletter+state:buried", "operations": "/operations", "workers": "/workers",
        "schedules": "/schedules", "webhooks": "/webhooks", "doctor": "/doctor", "mails": "/mail", "mail": "/mail/4",
    }
    for width, scheme, names in (
            (1440, "light", list(pages)), (1440, "dark", ["overview", "queue"]), (375, "light", ["overview", "failed-job"])):
        page = browser.page(site, width, scheme, expected=("sandbox",))
        for name in names:
            page.visit(pages[name])
            page.screenshot(path=os.path.join(folder, f"{name}-{width}-{scheme}.png"), full_page=width == 375)
        page.context.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("stint")
    parser.add_argument("--screenshots")
    arguments = parser.parse_args()
    make = Showcase if arguments.screenshots else Site
    with sync_playwright() as playwright, make(arguments.stint) as site:
        browser = Browser(playwright)
        if arguments.screenshots:
            screenshots(browser, site, arguments.screenshots)
        else:
            every_page(browser, site)
            hostile_texts(browser, site)
            pages_of_jobs(browser, site)
            live_values(browser, site)
            keyboard(browser, site)
            other_sites(browser, site)
            errors(browser, site)
            orders(browser, site)
            for script in (True, False):
                actions(browser, site, script)
                bulk(browser, site, script)
                dry_run(browser, site, script)
                caught_mails(browser, site, script)
            signing_in(browser, arguments.stint, site.folder.name)
            without_tls(browser, arguments.stint)
        browser.browser.close()
    if not arguments.screenshots:
        print(f"{checks.count} checks in the browser, {len(checks.problems)} failed")
    raise SystemExit(1 if checks.problems else 0)


main()
