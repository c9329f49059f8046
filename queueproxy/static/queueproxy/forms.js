// Asks before what can't be taken back, and sends no form twice.
"use strict";

(function () {
  let sent = false;
  document.addEventListener("submit", (event) => {
    const question = event.submitter && event.submitter.dataset.confirm;
    if (sent || (question && !window.confirm(question))) event.preventDefault();
    else sent = event.target.method === "post";
  });
  window.addEventListener("pageshow", () => { sent = false; });
})();
