// The charts of one route: drawn once, as wide as the page.
"use strict";

(function (queueproxy) {
  const root = document.getElementById("qp");
  const known = document.getElementById("qp-history-data");
  if (!root || !known) return;
  const boxes = Array.from(root.querySelectorAll(".qp-chart"));
  queueproxy.keep(root, new queueproxy.Charts(boxes, JSON.parse(known.textContent)));
})(window.queueproxy);
