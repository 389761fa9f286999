// Live pages. Without this script every page works, and shows what was there when it was loaded.
"use strict";

const main = document.getElementById("main");

// Times count by themselves.
const units = [[86400 * 2, 86400, "days"], [3600, 3600, "h"], [60, 60, "min"], [0, 1, "s"]];
function relative(date) {
  const seconds = (date - Date.now()) / 1000, size = Math.abs(seconds);
  const [, unit, name] = units.find(([least]) => size >= least);
  const text = Math.floor(size / unit) + " " + name;
  return seconds > 0 ? "in " + text : text + " ago";
}
function countTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const text = relative(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}
setInterval(countTimes, 1000);

// Makes a part of the page like another, and keeps what is alike: focus, choices and open details stay.
function same(left, right) {
  return left.nodeType === right.nodeType && left.nodeName === right.nodeName && (left.id || "") === (right.id || "");
}
function morph(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  const isOpen = from.nodeName === "DETAILS" ? from.open : null;
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  if (isOpen !== null) from.open = isOpen;
  // What somebody types or chooses is theirs.
  if (from.nodeName === "TEXTAREA" || from.nodeName === "IFRAME") return;
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    let found = at;
    // Past what has gone; but past no row with a name of its own for something that has none.
    while (found && !same(found, wanted) && (wanted.id || !found.id)) found = found.nextSibling;
    if (found && same(found, wanted)) {
      while (at !== found) { const gone = at; at = at.nextSibling; gone.remove(); }
      at = at.nextSibling;
      morph(found, wanted);
    } else {
      from.insertBefore(wanted, at);
    }
  }
  while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
}

function show(update) {
  if (update.html !== undefined) {
    const next = new DOMParser().parseFromString("<main>\n" + update.html + "\n</main>", "text/html").querySelector("main");
    for (const { name, value } of main.attributes) next.setAttribute(name, value);
    morph(main, next);
    countTimes();
  }
  for (const [name, text] of Object.entries(update.values)) {
    const element = main.querySelector('[data-live="' + CSS.escape(name) + '"]');
    if (element && element.textContent !== text) element.textContent = text;
  }
}

// Counts on while one looks: a step that the server bounds, and the next one from its end.
async function countOn(element) {
  let url = new URL(element.dataset.count, location), count = Number(element.textContent.replace(/\D/g, ""));
  while (element.isConnected) {
    const answer = await fetch(url);
    if (!answer.ok) return;
    const step = await answer.json();
    count += step.count;
    const text = String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
    element.textContent = step.next ? "more than " + text : text + " jobs";
    if (!step.next) return;
    url.searchParams.set("after", step.next);
  }
}
for (const element of document.querySelectorAll("[data-count]")) countOn(element);

if (main.dataset.stream) {
  let source = null;
  const follow = () => {
    source = new EventSource(main.dataset.stream);
    source.onmessage = (event) => show(JSON.parse(event.data));
  };
  // A tab that nobody sees costs nothing.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { if (source) source.close(); source = null; } else if (!source) follow();
  });
  if (!document.hidden) follow();
}
