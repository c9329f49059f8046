"use strict";
// Shows what is added while the page is open. The browser keeps the id of the last event and comes
// again by itself when a stream ends, as each does after a while.

const MOST = 30; // rows
const PATIENCE = 8000; // milliseconds until it is said that nobody answers
const AGAIN = 5000; // milliseconds until a refused stream, which browsers give up, is asked for anew

const feed = document.getElementById("feed");
const state = document.getElementById("state");
const blank = document.getElementById("addition").content.firstElementChild;
let last = feed.dataset.last;
let source = null;
let late = 0;
let anew = 0;

function say(now, text) {
  if (state.dataset.now === now) return;
  state.dataset.now = now;
  state.textContent = text;
}

function shown(time) {
  time.textContent = new Date(time.dateTime).toLocaleTimeString();
}

function add(thing) {
  const row = blank.cloneNode(true);
  const link = row.querySelector("a");
  const time = row.querySelector("time");
  if (thing.image) {
    const image = new Image(64, 64);
    image.src = thing.image;
    image.alt = "";
    row.querySelector(".blank").replaceWith(image);
  }
  if (thing.by) row.querySelector("b").textContent = thing.by;
  link.href = thing.url;
  link.textContent = thing.name;
  time.dateTime = thing.at;
  shown(time);
  row.classList.add("new");
  document.getElementById("nothing").hidden = true;
  feed.prepend(row);
  while (feed.children.length > MOST) feed.lastElementChild.remove();
}

function answered() {
  clearTimeout(late);
  late = 0;
}

function listen() {
  source = new EventSource(`${feed.dataset.events}?after=${last}`);
  source.onopen = () => {
    answered();
    say("live", "Live");
  };
  source.onmessage = (event) => {
    last = event.lastEventId;
    add(JSON.parse(event.data));
  };
  source.onerror = () => {
    late ||= setTimeout(say, PATIENCE, "away", "Nobody answers; trying again.");
    if (source.readyState === EventSource.CLOSED) anew = setTimeout(listen, AGAIN);
  };
}

function rest() {
  clearTimeout(anew);
  answered();
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) rest();
  else if (!source) listen();
});

feed.querySelectorAll("time").forEach(shown);
feed.setAttribute("aria-live", "polite");
say("waiting", "Connecting…");
if (!document.hidden) listen();
