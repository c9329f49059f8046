// Keeps the dashboard up to date while its tab is seen. The page works without it.
"use strict";

(function (queueproxy) {
  const root = document.getElementById("qp");
  const known = document.getElementById("qp-history-data");
  if (!root || !known) return;

  const times = queueproxy.times;
  const PATIENCE = 2000; // ms without an answer, after which the page says so; then it looks anew why
  const ENOUGH = 1000; // ms in which a front answers for itself
  const KEPT_AS = "queueproxy.interval";
  const interval = document.getElementById("qp-interval");
  const renewed = document.getElementById("qp-renewed");
  const banner = document.getElementById("qp-outdated");
  const charts = new queueproxy.Charts(
    Array.from(root.querySelectorAll(".qp-chart")),
    JSON.parse(known.textContent),
  );
  let timer = null;
  let asking = false;
  let last = new Date();
  let missing = "";

  function tellMoment() {
    renewed.textContent = `${renewed.dataset.at} ${times.tell(last, "clock")}`;
    tellMissing(missing);
  }

  // What is missing, by the name of its words; empty for nothing.
  function tellMissing(what) {
    missing = what;
    root.classList.toggle("qp-outdated", Boolean(what));
    banner.hidden = !what;
    const words = what && `${banner.dataset[what]} ${banner.dataset.since} ${times.tell(last, "clock")}.`;
    if (banner.textContent !== words) banner.textContent = words;
  }

  // Ask the front itself, which answers without the broker and without workers.
  async function whatIsMissing() {
    if (!root.dataset.ready) return "answer";
    try {
      const response = await fetch(root.dataset.ready, { cache: "no-store", signal: AbortSignal.timeout(ENOUGH) });
      const text = await response.text();
      if (text.includes("broker")) return "broker";
      if (response.ok) return text.includes("no worker") ? "workers" : "worker";
      return "answer";
    } catch (error) {
      return "front";
    }
  }

  async function findMissing() {
    const asked = last;
    const what = await whatIsMissing();
    if (last === asked) tellMissing(what); // else there was an answer meanwhile
  }

  function show({ history, parts }) {
    for (const [name, html] of Object.entries(parts)) {
      queueproxy.renew(root.querySelector(`[data-part=${name}]`), html);
    }
    charts.show(queueproxy.joined(charts.history, history));
    last = new Date();
    missing = "";
    tellMoment();
  }

  // What the site tells, an error of the broker too; null where it is away for a moment.
  async function ask() {
    const newest = charts.history.t.at(-1);
    const after = newest === undefined ? "" : `&after=${Math.floor(newest)}`;
    try {
      const response = await fetch(root.dataset.url + after, { headers: { Accept: "application/json" } });
      // Logged out, or no longer allowed to look: let the page itself say so.
      if (response.redirected || response.status === 403) location.reload();
      const isTold = response.ok || response.headers.get("Content-Type") === "application/json";
      return isTold ? await response.json() : null;
    } catch (error) {
      return null;
    }
  }

  async function poll() {
    asking = true;
    const late = setInterval(findMissing, PATIENCE);
    const told = await ask();
    clearInterval(late);
    asking = false;
    schedule();
    if (!told) findMissing();
    else if (told.error) tellMissing("broker");
    else show(told);
  }

  function schedule() {
    clearTimeout(timer);
    const wait = Number(interval.value);
    if (wait && !document.hidden && !asking) timer = setTimeout(poll, wait);
  }

  function keepInterval() {
    try { localStorage.setItem(KEPT_AS, interval.value); } catch (error) { /* not allowed to keep anything */ }
  }

  function takeKeptInterval() {
    try {
      const kept = localStorage.getItem(KEPT_AS);
      if (interval.querySelector(`option[value="${CSS.escape(kept)}"]`)) interval.value = kept;
    } catch (error) { /* not allowed to keep anything */ }
  }

  interval.addEventListener("change", () => { keepInterval(); schedule(); });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !asking && Number(interval.value)) poll();
  });
  queueproxy.keep(root, charts);
  times.onChange(tellMoment);
  takeKeptInterval();
  tellMoment();
  // What is copied from the address bar shows the same to others.
  if (!location.search) history.replaceState(null, "", `?${root.dataset.query}`);
  schedule();
})(window.queueproxy);
