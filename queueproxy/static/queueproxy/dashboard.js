// Keeps the dashboard up to date while its tab is seen. The page works without it.
"use strict";

(function () {
  const root = document.querySelector(".qp[data-url]");
  const first = document.getElementById("qp-history");
  if (!root || !first) return;
  root.classList.add("qp-live");

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const text = (value) => (value === null || value === undefined ? "–" : String(value));

  // Charts

  const SERIES = {
    depth: [["depth", "Waiting", "#1f77b4"], ["in_flight", "In flight", "#2ca02c"], ["oldest", "Oldest wait (s)", "#d62728", "seconds"]],
    rates: [["arrivals", "Arrivals/s", "#1f77b4"], ["completions", "Completions/s", "#2ca02c"]],
    waits: [["p50", "p50", "#2ca02c"], ["p95", "p95", "#ff7f0e"], ["p99", "p99", "#d62728"]],
  };
  const charts = {};

  const pauseBands = {
    hooks: {
      drawClear: (u) => {
        const paused = u.paused || [];
        u.ctx.save();
        u.ctx.fillStyle = "rgba(186, 33, 33, .12)";
        paused.forEach((on, i) => {
          if (!on || i === 0) return;
          const left = u.valToPos(u.data[0][i - 1], "x", true);
          const right = u.valToPos(u.data[0][i], "x", true);
          u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
        });
        u.ctx.restore();
      },
    },
  };

  function axis(extra) {
    return Object.assign({ stroke: style("--body-quiet-color"), grid: { stroke: style("--hairline-color"), width: 1 }, ticks: { stroke: style("--hairline-color"), width: 1 } }, extra);
  }

  function makeChart(name, columns) {
    const box = document.getElementById("qp-chart-" + name);
    const seconds = SERIES[name].some((s) => s[3]);
    const axes = [axis(), axis({ size: 55 })];
    if (seconds) axes.push(axis({ scale: "seconds", side: 1, grid: { show: false }, size: 50 }));
    const options = {
      width: box.clientWidth || 600,
      height: 170,
      cursor: { y: false },
      plugins: [pauseBands],
      scales: { y: { range: (u, min, max) => [0, Math.max(1, max * 1.1)] }, seconds: { range: (u, min, max) => [0, Math.max(1, max * 1.1)] } },
      axes: axes,
      series: [{}].concat(SERIES[name].map(([, label, stroke, scale]) => ({ label, stroke, width: 1.5, scale: scale || "y", spanGaps: true, points: { show: false } }))),
    };
    const chart = new uPlot(options, rows(name, columns), box);
    chart.paused = columns.paused;
    charts[name] = chart;
  }

  function rows(name, columns) {
    return [columns.t].concat(SERIES[name].map(([key]) => columns[key]));
  }

  function drawCharts(columns) {
    Object.keys(SERIES).forEach((name) => {
      if (!charts[name]) return makeChart(name, columns);
      charts[name].paused = columns.paused;
      charts[name].setData(rows(name, columns));
    });
  }

  function redrawCharts(columns) {
    Object.keys(charts).forEach((name) => { charts[name].destroy(); delete charts[name]; });
    drawCharts(columns);
  }

  // Figures and tables

  function row(cells) {
    const tr = document.createElement("tr");
    cells.forEach((cell) => { const td = document.createElement("td"); td.textContent = cell; tr.appendChild(td); });
    return tr;
  }

  function fill(id, items) {
    const body = document.getElementById(id);
    if (body && items.length) body.replaceChildren(...items);
  }

  function show(state) {
    document.getElementById("qp-badges").replaceChildren(...state.badges.map((badge) => {
      const li = document.createElement("li");
      li.textContent = badge;
      return li;
    }));
    state.queues.forEach((queue) => {
      const tile = root.querySelector('[data-queue="' + CSS.escape(queue.name) + '"]');
      if (!tile) return;
      tile.classList.toggle("qp-paused", queue.paused);
      tile.querySelectorAll("[data-f]").forEach((node) => { node.textContent = text(queue[node.dataset.f]); });
      tile.querySelector("polyline").setAttribute("points", queue.spark);
    });
    document.getElementById("qp-workers-n").textContent = state.workers.length;
    document.getElementById("qp-memory").textContent = state.memory_mb;
    fill("qp-workers", state.workers.map((w) => row([w.id, w.state, w.completed_total, w.current.map((c) => c.method + " " + c.path + " (" + c.seconds.toFixed(1) + " s)").join("; ")])));
    fill("qp-fronts", state.fronts.map((f) => row([f.id, f.held, f.age_seconds.toFixed(0) + " s"])));
    drawCharts(state.history);
    last = state.history;
  }

  // Polling

  const interval = document.getElementById("qp-interval");
  let timer = null;
  let last = JSON.parse(first.textContent);

  async function poll() {
    timer = null;
    try {
      const response = await fetch(root.dataset.url + "?window=" + encodeURIComponent(root.dataset.window), { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (response.ok) show(await response.json());
    } catch (error) {
      // The site is away for a moment; the next round tells.
    }
    schedule();
  }

  function schedule() {
    if (timer !== null) clearTimeout(timer);
    const wait = Number(interval.value);
    timer = wait && !document.hidden ? setTimeout(poll, wait) : null;
  }

  interval.addEventListener("change", schedule);
  document.addEventListener("visibilitychange", schedule);
  window.addEventListener("resize", () => Object.entries(charts).forEach(([name, chart]) => chart.setSize({ width: document.getElementById("qp-chart-" + name).clientWidth, height: 170 })));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redrawCharts(last));
  new MutationObserver(() => redrawCharts(last)).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  drawCharts(last);
  schedule();
})();
