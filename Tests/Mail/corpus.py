#!/usr/bin/env python3
"""Messages in many scripts, built by StintMail and read back by Python's `email` package, which knows nothing of it.

    Tests/Mail/corpus.py .build/debug/mail-tool

Each message must have the same bytes under every locale and time zone, be ASCII with lines of at most 998 bytes, and say the
same to Python as what went in. Messages that must be refused are refused with a reason.
"""

import base64
import email
import email.header
import email.policy
import email.utils
import glob
import json
import os
import random
import re
import subprocess
import sys

sys.dont_write_bytecode = True

# Debian's libpython3.11-testsuite: messages that were collected because something was wrong with them.
COLLECTED = "/usr/lib/python3.11/test/test_email/data"

TEXTS = {
    "english": "The quick brown fox jumps over the lazy dog",
    "german": "Größe, Maß und Übermut für Jürgen Weißmüller",
    "french": "Où l’œuvre « naïve » de Noël a été reçue",
    "polish": "Zażółć gęślą jaźń, proszę państwa",
    "turkish": "İstanbul’da ışıl ışıl bir iğne: IiİıĞğŞş",
    "russian": "Съешь же ещё этих мягких французских булок, да выпей чаю",
    "greek": "Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία",
    "hebrew": "שלום עולם: דג סקרן שט בים מאוכזב",
    "arabic": "نص حكيم له سر قاطع وذو شأن عظيم ١٢٣",
    "persian": "می‌خواهم کتاب‌هایم را بخوانم",
    "hindi": "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण",
    "thai": "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน",
    "japanese": "いろはにほへと ちりぬるを 我が世誰ぞ 常ならむ、有為の奥山今日越えて",
    "chinese": "视野无限广，窗外有蓝天。微風迎客，軟語伴茶。",
    "korean": "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다",
    "georgian": "გთხოვთ ახლავე გაიაროთ რეგისტრაცია",
    "emoji": "👨‍👩‍👧‍👦 🏳️‍🌈 👩🏽‍🚀 🇺🇳 family, flag and astronaut 🎉",
    "mixed": "Preis: 12 € (שקל ₪ 40) – “quoted” ‰ № ½",
    "zalgo": "Z̴̢̛̹͓̻̑̔̄͗͑a̷̡̛͇̯̹̽̓l̸̨̛̛̦̤͇̒̄g̷̨̛̝̮̑o̵̢̡̦̓̈ ̶̛̘̪͇̈́t̸̨̛e̴̛x̷̛t̶̛",
    "decomposed": "Cafe\u0301 und A\u030angstro\u0308m, nicht Café",
    "controls of direction": "abc \u202eכתב\u202c def \u2067ar\u2069",
    "long word": "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 8,
    "long ASCII": "word " * 60 + "end",
    "long ASCII word": "x" * 1500,
    "looks encoded": "=?utf-8?B?SGVsbG8=?= is not encoded",
    "spaces": "  two  spaces   within and at the ends ",
    "quotes": 'He said "no" \\ (really), <not@an.address>; [x]',
    "astral": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 𠜎𠜱 🜁",
    "single": "é",
    "empty": "",
}

BODIES = {
    "short": "Hello\n",
    "no line break": "Hello",
    "dots": ".\n..\n.leading dot\nmiddle . dot\n.\n",
    "from": "From the beginning\nFrom: x\n>From quoted\n",
    "quoted": "> quoted\n>> twice\n > with a space\n  two spaces\n",
    "signature": "Text\n\n-- \nAda\n",
    "signature twice": "-- \n-- \nno --\n--\n",
    "empty lines": "\n\n\nText\n\n\n",
    "long lines": ("The quick brown fox jumps over the lazy dog. " * 40).strip() + "\nshort\n",
    "long word": "x" * 3000 + "\n" + "y" * 998 + "\n" + "z" * 999 + "\n",
    "equals signs": "a=b=c =3D =\n=\n= \n" + "=" * 200 + "\n",
    "CRLF": "one\r\ntwo\rthree\nfour\r\n",
    "tabs": "\ta\tb\nc\t\n",
    "boundary": "--=_stint_0000000000000000_alternative\n--\n--x--\n",
    "two spaces": "a  b   c    d" + "  e" * 60 + "\n",
    "break at spaces": ("x" * 70 + "   " + "y" * 5 + " ") * 4 + "z\n",
    "dashes": "x" * 70 + " -- y and more words that follow here, and so on and on\n",
}


def addresses(script, text):
    name = text[:120].strip() or None
    return [
        f'"{quoted(name)}" <{script.split()[0].lower()}@example.org>' if name else "plain@example.org",
        "plain@example.net",
        f'"{quoted(text[:20].strip())}" <third@bücher.example>' if text[:20].strip() else "third@bücher.example",
    ]


def quoted(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


def messages(seed):
    draw = random.Random(seed)
    # A subject is one line, so what would end a line is no part of it.
    for script, text in TEXTS.items():
        yield {
            "from": addresses(script, text)[0], "to": addresses(script, text)[1:], "cc": [addresses(script, text)[2]],
            "replyTo": ["reply@example.org"], "subject": text, "text": text + "\n", "html": f"<p>{text}</p>\n",
            # Python decodes a file name that only looks encoded; RFC 2047, 5 (3), says that it must not.
            "attachments": [{"filename": (text.replace("=?", "=").replace("/", "-").replace("\\", "-").strip() or "x")[:40] + ".bin",
                             "contentType": "application/octet-stream", "content": b64(text.encode() + b"\0\r\n\xff")}],
            "inline": [{"name": "logo", "contentType": "image/png", "content": b64(bytes(range(256)))}],
            "headers": [{"name": "X-Text", "value": text}], "thread": script,
            "unsubscribe": {"url": "https://example.org/unsubscribe?u=" + "a" * 300, "address": "stop@example.org"},
        }
    for name, body in BODIES.items():
        yield {"from": "a@example.org", "to": ["b@example.org"], "subject": name, "text": body}
        yield {"from": "a@example.org", "to": ["b@example.org"], "subject": name, "html": body}
    paths = sorted(glob.glob(COLLECTED + "/msg_*.txt"))
    assert len(paths) > 40, "install libpython3.11-testsuite"
    for path in paths:
        with open(path, "rb") as file:
            content = file.read()
        yield {
            "from": "a@example.org", "to": ["b@example.org"], "subject": os.path.basename(path),
            "text": content.decode("utf-8", "replace").replace("\0", ""),
            "attachments": [{"filename": os.path.basename(path), "contentType": "application/octet-stream",
                             "content": b64(content)}],
        }
    alphabet = "abc XYZ.=-_<>\"\\,;:@\u00e9\u0416\u05d0\u65e5\U0001f600\u0301\u200d\u00a0"
    for _ in range(300):
        text = "".join(draw.choice(alphabet) for _ in range(draw.randrange(0, 200)))
        lines = "".join(draw.choice(alphabet + "\n\n ") for _ in range(draw.randrange(0, 600)))
        yield {"from": f'"{quoted(text[:60].strip() or "x")}" <a@example.org>', "to": ["b@example.org"], "subject": text,
               "text": lines, "html": lines}


REFUSED = [
    ({"subject": "a\r\nBcc: x@example.org"}, "line break"),
    ({"subject": "a\nb"}, "line break"),
    ({"subject": "a\u2028b"}, "line break"),
    ({"headers": [{"name": "X-A", "value": "b\r\nBcc: x@example.org"}]}, "line break"),
    ({"headers": [{"name": "X-A: b\r\nBcc", "value": "x"}]}, "header name"),
    ({"headers": [{"name": "Bcc", "value": "x@example.org"}]}, "other fields"),
    ({"headers": [{"name": "Content-Type", "value": "text/html"}]}, "other fields"),
    ({"from": "a\r\nBcc: x@example.org <a@example.org>"}, "line break"),
    ({"from": "a@example.org\r\nBcc: x@example.org"}, "'@'"),
    ({"to": ["a b@example.org"]}, "'@'"),
    ({"to": ["a@exa mple.org"]}, "domain"),
    ({"to": ["a@b@c.org"]}, "'@'"),
    ({"to": ["a..b@example.org"]}, "'@'"),
    ({"to": ["x" * 65 + "@example.org"]}, "64"),
    ({"to": ["example.org"]}, "'@'"),
    ({"to": ["a@-example.org"]}, "domain"),
    ({"to": []}, "recipient"),
    ({"messageId": "a b@example.org"}, "Message-ID"),
    ({"messageId": "<a@b>\r\nX: y"}, "Message-ID"),
    ({"unsubscribe": {"url": "http://example.org/"}}, "https"),
    ({"unsubscribe": {"url": "https://example.org/>\r\nX: y"}}, "unsubscribe"),
    ({"attachments": [{"filename": "a\nb", "contentType": "a/b", "content": ""}]}, "line break"),
    ({"attachments": [{"filename": "../a", "contentType": "a/b", "content": ""}]}, "'/'"),
    ({"attachments": [{"filename": "a", "contentType": "a/b\r\nX: y", "content": ""}]}, "content type"),
    ({"attachments": [{"filename": "a", "contentType": "multipart/mixed", "content": ""}]}, "content type"),
    ({"inline": [{"name": "a", "contentType": "image/png", "content": ""}]}, "HTML"),
    ({"html": "x", "inline": [{"name": "a>b", "contentType": "image/png", "content": ""}]}, "name"),
    ({"bouncesPerRecipient": "b" * 60 + "@example.org"}, "64"),
]


def b64(data):
    return base64.b64encode(data).decode()


def built(tool, inputs, **environment):
    result = subprocess.run(
        [tool, "build"], input="".join(json.dumps(message) + "\n" for message in inputs).encode(), capture_output=True,
        env={"PATH": os.environ["PATH"], **environment}, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return [json.loads(line) for line in result.stdout.splitlines()]


def unflowed(text):
    """What RFC 3676 says that a reader shows."""
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    shown, paragraph = [], ""
    for line in lines:
        if line == "-- ":
            shown.append(paragraph + line if paragraph else line)
            paragraph = ""
            continue
        if line.startswith(" "):
            line = line[1:]
        paragraph += line
        if not line.endswith(" "):
            shown.append(paragraph)
            paragraph = ""
    if paragraph:
        shown.append(paragraph)
    return shown


def lines(text):
    """The lines of a text without what format=flowed does not keep."""
    found = re.split("\r\n|\r|\n", text)
    if found and found[-1] == "":
        found.pop()
    return [line if line == "-- " else line.rstrip(" ") for line in found]


def people(data, field):
    """Not `header.addresses`: Python up to 3.12 puts a space between the encoded words of a name, against RFC 2047, 6.2."""
    header = email.message_from_bytes(data, policy=email.policy.compat32)[field]
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", header)
    return [
        (str(email.header.make_header(email.header.decode_header(name))), address)
        for name, address in email.utils.getaddresses([unfolded])]


def person(text):
    name, _, address = text.rpartition(" <")
    local, _, domain = (address.rstrip(">") if name else text).rpartition("@")
    domain = domain.encode("idna").decode()
    name = re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name
    return name, f"{local}@{domain}"


def check(message, data):
    data.decode("ascii")
    assert b"\r" not in data.replace(b"\r\n", b"") and b"\n" not in data.replace(b"\r\n", b""), "a bare line end"
    header = data.split(b"\r\n\r\n")[0]
    assert max(map(len, data.split(b"\r\n"))) <= 998, "a long line"
    for word in re.findall(rb"=\?utf-8\?[^ ]*\?=", header):
        assert len(word) <= 75, word
    for line in header.split(b"\r\n"):
        assert len(line) <= 78 or b"=?" not in line, line
    read = email.message_from_bytes(data, policy=email.policy.default)
    assert not [part.defects for part in read.walk() if part.defects], [part.defects for part in read.walk()]
    assert read["subject"] == message["subject"], (read["subject"], message["subject"])
    assert people(data, "from") == [person(message["from"])], (people(data, "from"), message["from"])
    for field, key in [("to", "to"), ("cc", "cc"), ("reply-to", "replyTo")]:
        if message.get(key):
            assert people(data, field) == [person(text) for text in message[key]], (people(data, field), message[key])
    assert "bcc" not in read
    for further in message.get("headers", []):
        assert read[further["name"]] == further["value"], (read[further["name"]], further["value"])
    assert read["date"].datetime.timestamp() == 1_700_000_000 and str(read["date"]).endswith("+0000")
    assert re.fullmatch(r"<corpus-\d+@[a-z.]+>", read["message-id"]), read["message-id"]
    if "unsubscribe" in message:
        assert read["list-unsubscribe"] == f"<{message['unsubscribe']['url']}>, <mailto:stop@example.org>"
        assert read["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    if "thread" in message:
        assert read["references"] == read["in-reply-to"] and re.fullmatch("<thread-[0-9a-f]{16}@[a-z.]+>", read["references"])
    assert read["auto-submitted"] == "auto-generated"

    parts = [part for part in read.walk() if not part.is_multipart()]
    plain = [part for part in parts if part.get_content_type() == "text/plain"]
    if "text" in message:
        assert plain[0].get_param("charset") == "utf-8" and plain[0].get_param("format") == "flowed"
        shown = unflowed(plain[0].get_payload(decode=True).decode().replace("\r\n", "\n"))
        assert shown == lines(message["text"]), (shown, lines(message["text"]))
    if "html" in message:
        page = next(part for part in parts if part.get_content_type() == "text/html")
        found = page.get_payload(decode=True).decode()
        assert re.split("\r\n|\n", found.rstrip("\r\n")) == re.split("\r\n|\r|\n", message["html"].rstrip("\r\n")), found
    kinds = [part.get_content_type() for part in read.walk() if part.is_multipart()]
    expected = []
    if message.get("attachments"):
        expected.append("multipart/mixed")
    if "text" in message and "html" in message:
        expected.append("multipart/alternative")
    if message.get("inline"):
        expected.append("multipart/related")
    assert kinds == expected, kinds
    files = [part for part in parts if part.get_content_disposition() == "attachment"]
    assert len(files) == len(message.get("attachments", []))
    for part, file in zip(files, message.get("attachments", [])):
        assert part.get_filename() == file["filename"], (part.get_filename(), file["filename"])
        assert part.get_payload(decode=True) == base64.b64decode(file["content"])
    for part, image in zip([part for part in parts if part["content-id"]], message.get("inline", [])):
        assert part["content-id"] == f"<{image['name']}>" and part.get_content_disposition() == "inline"
        assert part.get_payload(decode=True) == base64.b64decode(image["content"])


def main():
    tool = os.path.abspath(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"seed {seed}")
    inputs = list(messages(seed))
    first = built(tool, inputs, LANG="C")
    for environment in [
        {"LANG": "C.UTF-8"}, {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"}, {"LC_ALL": "POSIX", "TZ": "America/St_Johns"},
        {"LC_ALL": "ja_JP.SJIS"}, {"G_MIME_CHARSETS": "iso-8859-1", "CHARSET": "koi8-r"},
    ]:
        again = built(tool, inputs, **environment)
        assert again == first, f"other bytes under {environment}"
    failures = 0
    for index, (message, result) in enumerate(zip(inputs, first, strict=True)):
        try:
            assert "error" not in result, result["error"]
            check(message, base64.b64decode(result["message"]))
        except (AssertionError, UnicodeDecodeError) as error:
            failures += 1
            print(f"message {index}, subject {message['subject'][:50]!r}: {str(error)[:600]}")
            if failures <= 3 and "message" in result:
                print(base64.b64decode(result["message"])[:1500].decode("utf-8", "replace"))
    usual = {"from": "a@example.org", "to": ["b@example.org"], "subject": "s", "text": "t"}
    for (change, reason), result in zip(REFUSED, built(tool, [{**usual, **change} for change, _ in REFUSED]), strict=True):
        if reason not in result.get("error", ""):
            failures += 1
            print(f"not refused because of {reason}: {change}: {result}")
    # SMTPUTF8: the address itself is the only thing that is not ASCII.
    data = base64.b64decode(built(tool, [{**usual, "to": ["почта@bücher.example"]}])[0]["message"])
    assert "To: почта@xn--bcher-kva.example\r\n".encode() in data, data
    # The address of a list, or of a bounce, of any text.
    assert failures == 0, f"{failures} failures; seed {seed}"
    print(f"{len(inputs)} messages read back by Python's email, the same under 6 locales; {len(REFUSED)} refused")


if __name__ == "__main__":
    main()
