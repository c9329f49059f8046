// Asks before what can't be taken back, where else the site would, and sends no form twice.
"use strict";

(function () {
  let sent = false;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const question = event.submitter && event.submitter.name === "confirm" && event.submitter.value;
    if (sent || (question && !window.confirm(question))) {
      event.preventDefault();
      return;
    }
    if (question) saySure(form);
    sent = form.method === "post";
  });
  window.addEventListener("pageshow", () => { sent = false; });

  function saySure(form) {
    const sure = document.createElement("input");
    Object.assign(sure, { type: "hidden", name: "sure", value: "1" });
    form.append(sure);
  }
})();
