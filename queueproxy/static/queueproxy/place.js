// Keeps the place on the page when a person chooses another window, queue or order of it.
"use strict";

(function () {
  const KEPT_AS = "queueproxy.place";

  function taken() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEPT_AS));
      sessionStorage.removeItem(KEPT_AS);
      return kept;
    } catch (error) {
      return null; // not allowed to keep anything
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest(".qp-choice a, .qp thead a, .qp-renew");
    if (!link) return;
    const place = { path: link.pathname, top: window.scrollY };
    try { sessionStorage.setItem(KEPT_AS, JSON.stringify(place)); } catch (error) { /* as above */ }
  });
  const place = taken();
  if (place && place.path === location.pathname) window.scrollTo(0, place.top);
})();
