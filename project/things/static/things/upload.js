"use strict";
// Sends a form that has a file by itself, so that it can show how far that is; without this the
// browser does, and shows nothing.

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function hasFile(form) {
  return [...form.querySelectorAll("input[type=file]")].some((input) => input.files.length > 0);
}

function watch(form) {
  const sending = form.querySelector(".sending");
  const bar = sending.querySelector("progress");
  const text = sending.querySelector("[role=status]");

  function say(words) {
    if (text.textContent !== words) text.textContent = words;
  }

  function end(words) {
    form.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll("button")) button.disabled = false;
    bar.hidden = true;
    text.classList.add("problem");
    say(words);
  }

  form.addEventListener("submit", (event) => {
    if (!hasFile(form)) return;
    event.preventDefault();
    const request = new XMLHttpRequest();
    let all = false; // whether every byte has gone out
    let told = -1;
    request.upload.onprogress = ({ loaded, total }) => {
      bar.value = loaded / total;
      const tenth = Math.floor((10 * loaded) / total); // often enough for who hears it
      if (tenth === told) return;
      told = tenth;
      say(`Sent ${megabytes(loaded)} of ${megabytes(total)} MB.`);
    };
    request.upload.onload = () => {
      all = true;
      bar.removeAttribute("value"); // nobody knows how long from here
      say("Sent. Waiting for the answer…");
    };
    request.onload = () => {
      if (request.getResponseHeader("Content-Type") === "application/json") {
        location.assign(JSON.parse(request.responseText).url);
      } else if (request.status === 200) {
        show(request.responseText);
      } else if (request.status === 503) {
        end("The site is busy, and nothing was saved. Try again in a moment.");
      } else {
        end(`That failed (${request.status}). Look whether it was saved before you send it again.`);
      }
    };
    request.onerror = () => {
      if (all) end("No answer came. Look whether it was saved before you send it again.");
      else end("The connection broke, and nothing was saved. Try again.");
    };
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json, text/html;q=0.9");
    request.send(new FormData(form));
    form.setAttribute("aria-busy", "true");
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    text.classList.remove("problem");
    bar.value = 0;
    bar.hidden = sending.hidden = false;
    sending.scrollIntoView({ block: "nearest" });
  });
}

// The page with what is wrong with the form.
function show(page) {
  const next = new DOMParser().parseFromString(page, "text/html").querySelector("main");
  document.querySelector("main").replaceWith(next);
  watch(next.querySelector("form[data-progress]"));
  (next.querySelector("[aria-invalid=true]") ?? next).focus();
}

watch(document.querySelector("form[data-progress]"));
