// Keeps the dashboard up to date while its tab is seen. The page works without it.
"use strict";

(function (queueproxy) {
  const root = document.getElementById("qp");
  const known = document.getElementById("qp-history-data");
  if (!root || !known) return;
  root.classList.add("qp-live");

  const PATIENCE = 4000; // ms, after which the page says that it has no answer
  const KEPT_AS = "queueproxy.interval";
  const interval = document.getElementById("qp-interval");
  const renewed = document.getElementById("qp-renewed");
  const charts = new queueproxy.Charts(
    Array.from(root.querySelectorAll(".qp-chart")),
    JSON.parse(known.textContent),
  );
  let timer = null;
  let asking = false;
  let last = new Date();

  function tell(stale) {
    renewed.classList.toggle("qp-stale", stale);
    const words = stale ? renewed.dataset.waiting : renewed.dataset.at;
    renewed.textContent = `${words} ${queueproxy.clock.format(last)}`;
  }

  function show({ history, parts }) {
    for (const [name, html] of Object.entries(parts)) {
      queueproxy.renew(root.querySelector(`[data-part=${name}]`), html);
    }
    charts.show(queueproxy.joined(charts.history, history));
    last = new Date();
    tell(false);
  }

  // What the site tells; null where it is away for a moment.
  async function ask() {
    const times = charts.history.t;
    const after = times.length ? `&after=${Math.floor(times[times.length - 1])}` : "";
    try {
      const response = await fetch(root.dataset.url + after, { headers: { Accept: "application/json" } });
      // Logged out, or no longer allowed to look: let the page itself say so.
      if (response.redirected || response.status === 403) location.reload();
      return response.ok ? await response.json() : null;
    } catch (error) {
      return null;
    }
  }

  async function poll() {
    asking = true;
    const late = setTimeout(tell, PATIENCE, true);
    const told = await ask();
    clearTimeout(late);
    asking = false;
    schedule();
    if (told) show(told);
    else tell(true);
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
  takeKeptInterval();
  tell(false);
  schedule();
})(window.queueproxy);
