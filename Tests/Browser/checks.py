"""What is checked in the browser, and the browser."""

problems = []
count = 0


def check(is_good, what):
    global count
    count += 1
    if not is_good:
        problems.append(what)
        print(f"FAILED: {what}", flush=True)


def launched(playwright):
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium", headless=True, args=["--no-sandbox", "--disable-dev-shm-usage"])
