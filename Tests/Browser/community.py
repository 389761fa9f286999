#!/usr/bin/env python3
"""The story of Examples/Community in a real browser, with real mails, replies, deaths of posts, and a moved clock.

    community.py COMMUNITY [--screenshots FOLDER]
"""

import argparse
import datetime
import shutil
import time
import urllib.parse
import zoneinfo

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

import checks
from checks import check, launched
from community_site import Community


def eventually(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    check(False, f"after {seconds} s still not: {what}")
    return None


class Browser:
    def __init__(self, playwright, site, screenshots):
        self.browser = launched(playwright)
        self.site, self.screenshots = site, screenshots
        self.pages = {}

    def member(self, name, password="community"):
        if name in self.pages:
            return self.pages[name]
        # JavaScript only for axe: the site has none.
        context = self.browser.new_context(viewport={"width": 1100, "height": 900})
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("dialog", lambda dialog: (check(False, f"a dialog opened at {page.url}"), dialog.dismiss()))
        page.on("pageerror", lambda error: check(False, f"{page.url}: {error}"))
        page.visit = lambda path: page.goto(self.site.address + path)
        page.visit("/sign-in")
        page.fill("[name=name]", name)
        page.fill("[name=password]", password)
        page.click("button:text-is('Sign in')")
        page.wait_for_selector("h1:text('News')")
        self.pages[name] = page
        return page

    def post(self, name, group, title, body):
        page = self.member(name)
        page.visit(f"/groups/{group}")
        page.fill("[name=title]", title)
        page.fill("[name=body]", body)
        page.click("button:text-is('Publish')")
        page.wait_for_selector("text=Your post is published")
        return int(urllib.parse.urlparse(page.url).path.split("/")[2])

    def look(self, name, path, called):
        page = self.member(name)
        page.visit(path)
        for violation in Axe().run(page).response["violations"]:
            nodes = [node["html"][:160] for node in violation["nodes"][:3]]
            check(False, f"{path}: {violation['id']}: {violation['help']}: {nodes}")
        size = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        check(size[0] <= size[1], f"{path} is {size[0]} px wide in a window of {size[1]} px")
        if self.screenshots:
            page.screenshot(path=f"{self.screenshots}/community-{called}.png", full_page=True)


def headers(contents, name):
    return [header["value"] for header in contents["headers"] if header["name"].lower() == name.lower()]


TITLE = "Dienstag: <Probe> um 19 Uhr"
# Whom a post by Jürgen in the closed group is sent to at once, and in which words.
SUBJECTS = {
    "ada@example.org": f"Jürgen Groß in Choir · Хор · Χορωδία: {TITLE}",
    "chloe@example.org": f"Jürgen Groß dans Choir · Хор · Χορωδία : {TITLE}",
    "lucia@example.org": f"Jürgen Groß le ha mencionado: {TITLE}",
    "lukasz@example.org": f"Jürgen Groß w grupie Choir · Хор · Χορωδία: {TITLE}",
    "hanako@example.org": f"Jürgen Groß さんの投稿(Choir · Хор · Χορωδία):{TITLE}",
    "fatima@example.org": f"Jürgen Groß في Choir · Хор · Χορωδία: {TITLE}",
    # Languages without words of their own, a zone and a locale that do not exist: English.
    "somying@example.org": f"Jürgen Groß in Choir · Хор · Χορωδία: {TITLE}",
    "nozone@example.org": f"Jürgen Groß in Choir · Хор · Χορωδία: {TITLE}",
    "nolocale@example.org": f"Jürgen Groß in Choir · Хор · Χορωδία: {TITLE}",
}


def a_post_in_a_closed_group(browser, site):
    post = browser.post(
        "juergen", 2, TITLE, "Wir beginnen mit Fauré. @lucia, bringst du die Noten?\n\n<script>window.pwned = 1</script>")
    started = time.monotonic()
    check(site.wait_for_mail("ada@example.org") is not None, "Ada gets no mail")
    print(f"post: the first mail was there {1000 * (time.monotonic() - started):.0f} ms after the page", flush=True)
    eventually(lambda: site.mail_count() >= len(SUBJECTS) and site.settled(), "all mails of the post are sent")
    mails = site.mails()
    got = {}
    for mail in mails:
        for recipient in mail["recipients"]:
            check(recipient not in got, f"{recipient} got two mails")
            got[recipient] = site.subject(mail)
    check(got.keys() == SUBJECTS.keys(), f"others than expected got a mail: {sorted(got.keys() ^ SUBJECTS.keys())}")
    for recipient, subject in SUBJECTS.items():
        check(got.get(recipient) == subject, f"{recipient} got {got.get(recipient)!r}, and not {subject!r}")
    for mail in mails:
        contents = site.contents(mail)
        check("<script>" not in contents.get("html", ""), f"{mail['recipients']}: a script is in the mail")
        check("bringst du die Noten?" in contents.get("text", ""), f"{mail['recipients']}: the text is not in the mail")
        check(contents.get("problems", []) == [], f"{mail['recipients']}: {contents.get('problems')}")
    arabic = site.contents(next(mail for mail in mails if mail["recipients"] == ["fatima@example.org"]))
    check('dir="rtl"' in arabic["html"], "the Arabic mail does not read from right to left")
    for name in ("zoe", "oscar"):
        page = browser.member(name)
        answer = page.visit(f"/posts/{post}")
        expected = 200 if name == "oscar" else 404
        check(answer.status == expected, f"{name} gets {answer.status} for the post, and not {expected}")
    page = browser.member("chloe")
    page.visit(f"/posts/{post}")
    check(page.evaluate("window.pwned") is None, "a text was run as a script")
    return post, {mail["recipients"][0]: mail for mail in mails}


def replies(browser, site, post, mails):
    address = headers(site.contents(mails["chloe@example.org"]), "Reply-To")[0].strip("<>")
    text = "J’arrive à 18 h 45 ! 🎶\n\nLe 28 nov. 2026 à 10:00, Jürgen Groß <community@community.example> a écrit :\n> Wir beginnen"
    check(site.post_reply("chloe@example.org", address, text, key="wrong") == 401, "a forged post is not refused")
    # From somebody else, to an address that was changed, and by a program: taken as mails, and no comments.
    check(site.post_reply("zoe@example.org", address, "I am not Chloé") == 200, "a mail of another is not taken")
    forged = address.replace(f"post-{post}-", "post-1-")
    check(site.post_reply("chloe@example.org", forged, "in another group") == 200, "a mail is not taken")
    absent = [["Auto-Submitted", "auto-replied"]]
    check(site.post_reply("chloe@example.org", address, "I am on holiday", headers=absent) == 200, "a mail is not taken")
    eventually(site.settled, "the mails that came in are looked at")
    count = "SELECT count(*) FROM comments WHERE post_id = ?"
    check(site.value(count, post) == 0 and site.value(count, 1) == 1, "a forged or automatic reply became a comment")
    check(site.counts("inbound")["buried"] == 2, "the two that are no replies are not buried with their reasons")

    token = "a" * 50
    check(site.post_reply("chloe@example.org", address, text, token=token) == 200, "the reply is not taken")
    check(site.post_reply("chloe@example.org", address, text, token=token) == 200, "the repeated reply is not answered")
    eventually(lambda: site.value(count, post) == 1, "the reply is a comment")
    page = browser.member("juergen")
    page.visit(f"/posts/{post}")
    comment = page.locator(".comment").inner_text()
    check("J’arrive à 18 h 45 ! 🎶" in comment and "by mail" in comment, f"the comment is {comment!r}")
    check("beginnen" not in comment and "Chloé Lefèvre" in comment, f"the comment is {comment!r}")
    mail = site.wait_for_mail("juergen@example.org")
    subject = mail and site.subject(mail.get("mail") or mail)
    check(subject == f"Chloé Lefèvre hat „{TITLE}“ kommentiert", f"Jürgen got {subject!r}")
    eventually(site.settled, "all is sent")
    check(site.value(count, post) == 1, "the reply that came twice is two comments")
    bounces(browser, site, mails["hanako@example.org"]["sender"])


def bounces(browser, site, address):
    """Reports count at the signed address of a mail, and only those of three days switch mail off."""
    report = (
        "From: MAILER-DAEMON@example.org\r\nTo: ADDRESS\r\nSubject: failure\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; hanako@example.org\r\nAction: failed\r\n"
        "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n")

    def post(address):
        status = site.post_reply(
            "", address, "", path="/inbound/mailgun/mime", **{"body-mime": report.replace("ADDRESS", address)})
        check(status == 200, f"the report is answered {status}")
        eventually(site.settled, "the report is looked at")

    count = "SELECT count(*) FROM refused_addresses"
    off = "SELECT mail_off FROM members WHERE handle = 'hanako'"
    start = "bounce+hanako=example.org."
    check(address.startswith(start), f"the mail to Hanako was sent from {address}")
    first = address[len(start)]
    forged = start + ("a" if first != "a" else "b") + address[len(start) + 1:]
    for wrong in ("bounce+hanako=example.org@community.example", forged):
        post(wrong)
        check(site.value(count) == 0, f"a report to {wrong} counts")
    post(address)
    post(address)
    check(site.value(count) == 1 and site.value(off) is None, "one day with a report switches mail off")
    page = browser.member("hanako")
    page.visit("/preferences")
    check("550 5.1.1 no such user" in page.inner_text("main"), "Hanako does not see that mails came back")
    for days in (1, 2):
        site.execute("INSERT INTO refused_addresses SELECT address, day - ?, reason FROM refused_addresses ORDER BY day DESC LIMIT 1", days)
    post(address)
    eventually(lambda: site.value(off), "Hanako's mail is off after reports of three days")


def left_before_delivery(browser, site):
    site.forget_mails()
    site.stint("pause", "notifications")
    browser.post("ada", 2, "Before you go", "This waits on the queue.")
    # For those of the first post, but Ada, who wrote it, and Hanako, whose mail is off; for Jürgen, and for the member
    # whose address is none, which is found out at delivery.
    eventually(lambda: site.counts("notifications")["ready"] == 9, "nine mails wait")
    page = browser.member("lukasz")
    page.visit("/groups/2")
    page.click("button:text-is('Leave')")
    page.wait_for_selector("text=You have left the group")
    site.stint("resume", "notifications")
    eventually(lambda: site.settled() and site.mail_count() >= 7, "the mails are sent")
    got = {recipient for mail in site.mails() for recipient in mail["recipients"]}
    check("lukasz@example.org" not in got, "who has left got the mail")
    check("hanako@example.org" not in got, "whose mail is off got the mail")
    check(len(got) == 7 and "chloe@example.org" in got, f"these got it: {sorted(got)}")


def a_deleted_post(browser, site):
    site.forget_mails()
    site.stint("pause", "notifications")
    post = browser.post("ada", 2, "A mistake", "Nobody should read this.")
    eventually(lambda: site.counts("notifications")["ready"] == 8, "eight mails wait")
    page = browser.member("ada")
    page.visit(f"/posts/{post}")
    page.click("button:text-is('Delete post')")
    page.wait_for_selector("text=The post is deleted")
    site.stint("resume", "notifications")
    eventually(site.settled, "the jobs are done")
    check(site.mail_count() == 0, f"mails of a deleted post were sent: {[mail['to'] for mail in site.mails()]}")
    check(site.counts("notifications")["buried"] == 0, "a job was buried, and not only left out")


def a_digest_at_the_members_hour(browser, site):
    site.forget_mails()
    zone = zoneinfo.ZoneInfo("Asia/Kolkata")
    now = datetime.datetime.fromtimestamp(site.now(), zone)
    seven = now.replace(hour=7, minute=0, second=0, microsecond=0)
    if seven <= now:
        seven += datetime.timedelta(days=1)
    waiting = [job for job in site.jobs_in("queue:notifications state:delayed")]
    check(len(waiting) == 1, f"{len(waiting)} digests wait, and not Priya's alone")
    planned = site.value("SELECT run_at FROM stint_delayed WHERE job_id = ?", waiting[0]["id"]) / 1000 if waiting else 0
    check(abs(planned - seven.timestamp()) < 1, f"the digest is planned for {planned}, and not {seven}")
    site.move_clock_to(seven.timestamp() - 60)
    check(site.wait_for_mail("priya@example.org", 7) is None, "the digest came a minute before its hour")
    site.move_clock_to(seven.timestamp() + 1)
    mail = site.wait_for_mail("priya@example.org", 20)
    check(mail is not None, "the digest does not come at Priya's hour")
    if mail:
        mail = mail.get("mail") or mail
        check(mail["subject"] == "Your day in the community: 2 pieces of news", f"the digest is {mail['subject']!r}")
        text = site.contents(mail)["text"]
        check("Before you go" in text and TITLE in text, f"the digest has {text!r}")
        check("A mistake" not in text, "the deleted post is in the digest")


def a_newsletter_and_a_password(browser, site):
    site.forget_mails()
    wanted = site.value("SELECT count(*) FROM members WHERE deleted_at IS NULL AND address IS NOT NULL")
    page = browser.member("ada")
    page.visit("/newsletter")
    page.fill("[name=subject]", "The year in the community")
    page.fill("[name=body]", "Dear all,\n\nten new groups & a choir.\n\n" + "It was a good year. " * 50)
    page.click("button:text-is('Preview')")
    page.wait_for_selector("text=As Ada Hollis gets it")
    check("ten new groups" in page.frame_locator("iframe").locator("body").inner_text(), "the preview is empty")
    page.click("button:has-text('Send to')")
    page.wait_for_selector("text=The newsletter is on its way")
    started = time.monotonic()
    eventually(lambda: site.mail_count() > 20, "the newsletter has begun", 30)
    slowest = 0
    for name in ("lucia", "chloe", "fatima", "somying", "zoe"):
        check(site.mail_count() < 4_000, "the newsletter was over before the passwords")
        visitor = browser.browser.new_context().new_page()
        visitor.goto(site.address + "/forgot")
        visitor.fill("[name=name]", name)
        after = site.mails_id()
        clicked = time.monotonic()
        visitor.click("button:text-is('Send me a link')")
        visitor.wait_for_selector("text=on its way")
        link = site.password_link(f"{name}@example.org", after)
        took = time.monotonic() - clicked
        check(link is not None, f"{name} gets no link")
        slowest = max(slowest, took)
        visitor.context.close()
    print(f"newsletter: a password's mail was there {1000 * slowest:.0f} ms after the click, at most", flush=True)
    check(slowest <= 1, f"the newsletter delayed a password by {slowest:.2f} s")
    if link:
        visitor = browser.browser.new_context().new_page()
        visitor.goto(link)
        visitor.fill("[name=password]", "a new pass phrase")
        visitor.click("button:text-is('Change it')")
        visitor.wait_for_selector("text=Your password is changed")
        check(visitor.goto(link).status == 400, "a link holds twice")
        visitor.context.close()
        browser.pages.pop("zoe", None)
        browser.member("zoe", "a new pass phrase")
    eventually(lambda: site.counts("newsletters")["ready"] == 0 and site.settled(), "the newsletter is sent", 120)
    took = time.monotonic() - started
    mails = site.mail_count()
    print(f"newsletter: {mails} mails in {took:.0f} s", flush=True)
    # Some have no valid address, some do not want it, and one has bounced.
    check(wanted * 0.95 < mails < wanted, f"{mails} mails for {wanted} members")
    check(site.counts("newsletters")["buried"] == 0, "a member with bad data buries a job of the newsletter")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("community")
    parser.add_argument("--screenshots")
    options = parser.parse_args()
    site = Community(options.community)
    try:
        check(site.listeners() == [], f"it listens to other machines: {site.listeners()}")
        with sync_playwright() as playwright:
            browser = Browser(playwright, site, options.screenshots)
            post, mails = a_post_in_a_closed_group(browser, site)
            replies(browser, site, post, mails)
            left_before_delivery(browser, site)
            a_deleted_post(browser, site)
            a_digest_at_the_members_hour(browser, site)
            a_newsletter_and_a_password(browser, site)
            for path, called in (("/", "news"), ("/groups", "groups"), ("/groups/2", "group"), (f"/posts/{post}", "post"),
                                 ("/members", "members"), ("/preferences", "preferences"),
                                 ("/newsletter", "newsletter"), ("/templates?kind=post&locale=ar", "templates")):
                browser.look("ada", path, called)
            for kind in ("post", "comment", "mention", "like", "request", "newsletter", "digest", "password"):
                for locale in ("en", "de", "fr", "es", "pl", "ja", "ar"):
                    page = browser.member("ada")
                    page.visit(f"/templates?kind={kind}&locale={locale}")
                    check(page.locator("text=This template is not right").count() == 0,
                          f"{kind} in {locale}: {page.locator('pre').inner_text()[:300]}")
            browser.browser.close()
    finally:
        code = site.end()
    check(code == 0, f"it ends with {code}")
    check(site.processes() == [], f"it leaves processes behind: {site.processes()}")
    if checks.problems:
        print(f"{len(checks.problems)} of {checks.count} checks failed. The log and the data are in {site.folder}", flush=True)
        raise SystemExit(1)
    shutil.rmtree(site.folder)
    print(f"{checks.count} checks", flush=True)


if __name__ == "__main__":
    main()
