// The charts of the history, drawn by uPlot. Colours are the style sheet's, words the page's.
"use strict";

window.queueproxy = window.queueproxy || {};

(function (queueproxy) {
  const SERIES = {
    requests: ["depth", "in_flight"],
    rates: ["arrivals", "completions"],
    waits: ["oldest", "p50", "p95", "p99"],
    runs: ["run_p50", "run_p95", "run_p99"],
    route_rate: ["rate"],
    route_waits: ["p50", "p95", "p99"],
    route_errors: ["errors"],
    failures: ["view_errors", "lost", "too_late", "turned_away"],
  };
  const FILLED = ["depth"];
  const ALTERNATELY = [8, 4]; // pixels drawn, and left out
  const DOTTED = [2, 3];
  // So that lines differ by more than their colour.
  const DASHES = {
    in_flight: ALTERNATELY, completions: ALTERNATELY, p95: ALTERNATELY, run_p95: ALTERNATELY,
    p99: DOTTED, run_p99: DOTTED,
  };
  const STACKED = ["failures"]; // each series stands on those that follow it
  const IN_SECONDS = ["waits", "runs", "route_waits"];
  const COUNTED = ["requests", "failures", "route_errors"]; // of these there are no halves
  const WHOLE = [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((power) => n * 10 ** power)).sort((a, b) => a - b);
  const DAY = 86400;
  const lang = document.documentElement.lang || undefined;
  const number = new Intl.NumberFormat(lang, { maximumSignificantDigits: 3 });

  const style = (name) => getComputedStyle(document.getElementById("qp")).getPropertyValue(name).trim();
  const times = queueproxy.times;
  const dateOf = (seconds) => new Date(seconds * 1000);
  const figure = (value) => (value === null || value === undefined ? "–" : number.format(value));
  const seconds = (value) => (value > 0 && value < 1 ? `${figure(value * 1000)} ms` : figure(value) + (value === null || value === undefined ? "" : " s"));

  function tick(seconds, span) {
    const date = dateOf(seconds);
    if (span <= 300) return times.tell(date, "clock");
    const clock = times.tell(date, "short");
    return clock === "00:00" ? times.tell(date, "day") : clock;
  }

  // A value between two unknown ones has no line to be seen by: it gets a point.
  function alone(chart, at) {
    const values = chart.data[at];
    const known = (i) => values[i] !== null && values[i] !== undefined;
    return Array.from(values.keys()).filter((i) => known(i) && !known(i - 1) && !known(i + 1));
  }

  function drawPauses(chart, history) {
    const { ctx, bbox } = chart;
    ctx.fillStyle = style("--qp-pause");
    const { t, paused } = history;
    for (let end, begin = 1; begin < t.length; begin = end + 1) {
      for (end = begin; paused[end]; end += 1);
      if (end === begin) continue;
      const left = chart.valToPos(t[begin - 1], "x", true);
      ctx.fillRect(left, bbox.top, chart.valToPos(t[end - 1], "x", true) - left, bbox.height);
    }
  }

  // The time before anything was collected: no line is there, and that says nothing.
  function drawBefore(chart, history, words) {
    const { ctx, bbox } = chart;
    const unit = uPlot.pxRatio;
    if (history.since === null) return;
    const width = chart.valToPos(history.since, "x", true) - bbox.left;
    if (width < 1) return;
    ctx.fillStyle = style("--qp-before");
    ctx.fillRect(bbox.left, bbox.top, width, bbox.height);
    ctx.font = `${11 * unit}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.fillStyle = style("--qp-quiet");
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    const text = `${words} ${times.tell(dateOf(history.since), history.reach > DAY ? "minute" : "clock")}`;
    const room = ctx.measureText(text).width + 16 * unit;
    if (room < width) ctx.fillText(text, bbox.left + 8 * unit, bbox.top + bbox.height / 2);
  }

  function drawDeploys(chart, history, named) {
    const { ctx, bbox } = chart;
    const unit = uPlot.pxRatio;
    ctx.strokeStyle = ctx.fillStyle = style("--qp-deploy");
    ctx.lineWidth = unit;
    ctx.font = `${11 * unit}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.textBaseline = "top";
    const taken = []; // stretches of the line of names, which would cover each other: the newest come first
    for (const { t, release } of [...history.deploys].reverse()) {
      const x = Math.round(chart.valToPos(t, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.setLineDash([4 * unit, 3 * unit]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const place = named && placeFor(x, ctx.measureText(release).width + 4 * unit, bbox, taken);
      if (!place) continue;
      taken.push(place);
      ctx.textAlign = place.to === x ? "right" : "left";
      ctx.fillText(release, x + (place.to === x ? -4 : 4) * unit, bbox.top + 2 * unit);
    }
  }

  // Where a name fits beside its line: behind it, or else before it; undefined where it does not.
  function placeFor(x, width, bbox, taken) {
    return [{ from: x, to: x + width }, { from: x - width, to: x }].find(
      ({ from, to }) =>
        from >= bbox.left && to <= bbox.left + bbox.width && !taken.some((other) => from < other.to && to > other.from),
    );
  }

  function inside(chart, draw) {
    chart.ctx.save();
    draw();
    chart.ctx.restore();
  }

  function axis(extra) {
    const line = { stroke: style("--qp-grid"), width: 1 };
    return { stroke: style("--qp-quiet"), font: "12px system-ui", grid: line, ticks: line, ...extra };
  }

  // Each with what stands below it; the legend tells its own figures.
  function stacked(columns) {
    const under = (i, at) => columns.slice(i).reduce((sum, column) => sum + column[at], 0);
    return columns.map((column, i) => column.map((value, at) => (value === null ? null : under(i, at))));
  }

  function stackedSeries(box, charts) {
    return SERIES[box.dataset.chart].map((name) => ({
      label: box.dataset[name],
      stroke: style(`--qp-${name}`),
      fill: style(`--qp-${name}`),
      width: 1,
      paths: uPlot.paths.stepped({ align: -1 }),
      value: (chart, value, series, at) => figure(at === null ? null : charts.history[name][at]),
      points: { show: false },
    }));
  }

  const markerOf = (dash) => (!dash ? "solid" : dash[0] < dash[1] ? "dotted" : "dashed");

  function seriesOf(box, charts) {
    if (STACKED.includes(box.dataset.chart)) return stackedSeries(box, charts);
    const words = IN_SECONDS.includes(box.dataset.chart) ? seconds : figure;
    return SERIES[box.dataset.chart].map((name) => ({
      label: box.dataset[name],
      stroke: style(`--qp-${name}`),
      fill: FILLED.includes(name) ? style(`--qp-${name}-fill`) : undefined,
      width: 2,
      dash: DASHES[name],
      value: (chart, value) => words(value),
      points: { show: false, filter: alone, size: 5 },
    }));
  }

  class Charts {
    // One for each box, all over the same time.
    constructor(boxes, history) {
      this.boxes = boxes;
      this.history = history;
      this.charts = [];
      this.make();
    }

    make() {
      this.charts.forEach((chart) => chart.destroy());
      this.charts = this.boxes.map((box) => this.chartOf(box));
      this.legends();
    }

    chartOf(box) {
      const named = box === this.boxes[0];
      const counted = COUNTED.includes(box.dataset.chart);
      const options = {
        width: box.clientWidth,
        height: Number(box.dataset.height),
        padding: [10, 28, 0, 0],
        cursor: { y: false, sync: { key: "queueproxy" }, drag: { setScale: false } },
        tzDate: (t) => (times.isUtc() ? uPlot.tzDate(dateOf(t), "Etc/UTC") : dateOf(t)),
        legend: { markers: { dash: (chart, i) => markerOf(chart.series[i].dash) } },
        scales: {
          // As wide as the window that was chosen, whatever is known of it.
          x: { range: () => [this.history.end - this.history.reach, this.history.end] },
          y: { range: (chart, low, high) => [0, Math.max(counted ? 1 : 0.01, high * 1.1)] },
        },
        axes: [
          axis({ space: 70, size: 34, values: (chart, splits) => splits.map((t) => tick(t, chart.scales.x.max - chart.scales.x.min)) }),
          axis({ size: 60, values: (chart, splits) => splits.map(figure), ...(counted ? { incrs: WHOLE } : {}) }),
        ],
        series: [{ label: "", value: (chart, t) => (t === null ? "" : this.moment(t)) }, ...seriesOf(box, this)],
        hooks: {
          drawClear: [(chart) => inside(chart, () => this.drawGround(chart, box))],
          draw: [(chart) => inside(chart, () => drawDeploys(chart, this.history, named))],
          setCursor: [(chart) => chart.cursor.idx === null && this.legends()],
        },
      };
      return new uPlot(options, this.columns(box), box);
    }

    drawGround(chart, box) {
      drawPauses(chart, this.history);
      drawBefore(chart, this.history, box.dataset.since);
    }

    moment(seconds) {
      return times.tell(dateOf(seconds), this.history.reach > DAY ? "minute" : "clock");
    }

    columns(box) {
      const columns = SERIES[box.dataset.chart].map((name) => this.history[name]);
      return [this.history.t, ...(STACKED.includes(box.dataset.chart) ? stacked(columns) : columns)];
    }

    // Where nobody points, the legends tell the latest.
    legends() {
      const idx = this.history.t.length - 1;
      for (const chart of this.charts) if (idx >= 0 && !(chart.cursor.left >= 0)) chart.setLegend({ idx }, false);
    }

    show(history) {
      this.history = history;
      this.charts.forEach((chart, i) => chart.setData(this.columns(this.boxes[i])));
      this.legends();
    }

    fit() {
      this.charts.forEach((chart, i) => {
        const width = this.boxes[i].clientWidth;
        if (width && width !== chart.width) chart.setSize({ width, height: chart.height });
      });
    }
  }

  // What is known with what is newer: steps that both tell of are taken from the newer.
  function joined(old, fresh) {
    if (!fresh.t.length) return { ...old, deploys: fresh.deploys, end: fresh.end, since: fresh.since };
    const stepOf = (t) => Math.floor(t / fresh.step);
    const firstNew = stepOf(fresh.t[0]);
    const oldest = fresh.end - fresh.reach;
    const kept = old.t.map((t, i) => i).filter((i) => stepOf(old.t[i]) < firstNew && old.t[i] >= oldest);
    const result = { ...fresh };
    for (const name of ["t", "paused", ...Object.values(SERIES).flat()].filter((name) => name in fresh)) {
      result[name] = kept.map((i) => old[name][i]).concat(fresh[name]);
    }
    return result;
  }

  // Keep charts as wide as the page, in the colours of its theme.
  function keep(root, charts) {
    new ResizeObserver(() => charts.fit()).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.make());
    times.onChange(() => charts.make());
    new MutationObserver(() => charts.make()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  queueproxy.Charts = Charts;
  queueproxy.keep = keep;
  queueproxy.joined = joined;
})(window.queueproxy);
