// Tells times of day in the zone of the browser, or in UTC where a person wants that: one zone for
// the whole page, which its choice of zones names. Without scripts each time says that it is UTC.
"use strict";

window.queueproxy = window.queueproxy || {};

(function (queueproxy) {
  const KEPT_AS = "queueproxy.zone";
  const UTC = "UTC";
  const lang = document.documentElement.lang || undefined;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone || UTC;
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day = { month: "short", day: "numeric" };
  const FORMS = {
    short: time,
    clock: { ...time, second: "2-digit" },
    day,
    minute: { ...day, ...time },
    moment: { ...day, ...time, second: "2-digit" },
    exact: { ...day, ...time, second: "2-digit", fractionalSecondDigits: 3 },
  };
  const page = document.querySelector(".qp");
  const choice = document.getElementById("qp-zone");
  let zone = own;
  let formats = {};

  function use(wanted) {
    zone = wanted === UTC ? UTC : own;
    formats = {};
  }

  // A time of day: of a Date, in one of FORMS.
  function tell(date, form) {
    formats[form] = formats[form] || new Intl.DateTimeFormat(lang, { ...FORMS[form], timeZone: zone });
    return formats[form].format(date);
  }

  // What people call the zone: its name, and how far it is from UTC now.
  function nameOf(timeZone) {
    if (timeZone === UTC) return UTC;
    const format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "shortOffset" });
    const offset = format.formatToParts(new Date()).find((part) => part.type === "timeZoneName");
    return `${timeZone.replaceAll("_", " ")} (${offset.value.replace("GMT", UTC)})`;
  }

  // Every time that stands in this piece of the page.
  function tellAll(root) {
    for (const element of root.querySelectorAll("time[data-form]")) {
      const date = new Date(element.dateTime);
      const words = tell(date, element.dataset.form);
      if (element.textContent !== words) element.textContent = words;
      element.title = `${tell(date, "moment")} ${nameOf(zone)}`;
    }
  }

  function kept() {
    try { return localStorage.getItem(KEPT_AS); } catch (error) { return null; /* not allowed to keep anything */ }
  }

  function keep(wanted) {
    try { localStorage.setItem(KEPT_AS, wanted); } catch (error) { /* not allowed to keep anything */ }
  }

  // What is to be drawn anew once a person has chosen another zone.
  const listeners = [];

  if (page) page.classList.add("qp-live"); // what is of no use without scripts is shown
  use(kept());
  if (choice) {
    choice.options[0].textContent = nameOf(own);
    if (own === UTC) choice.remove(1); // there is nothing to choose
    else choice.value = zone === UTC ? UTC : "";
    choice.addEventListener("change", () => {
      keep(choice.value);
      use(choice.value);
      tellAll(document);
      listeners.forEach((listener) => listener());
    });
  }
  tellAll(document);

  queueproxy.times = {
    tell,
    tellAll,
    isUtc: () => zone === UTC,
    onChange: (listener) => listeners.push(listener),
  };
})(window.queueproxy);
