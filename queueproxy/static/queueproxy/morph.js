// Makes a piece of the page equal to newer HTML and keeps every node that stays: the focus, a
// selection and the place scrolled to survive. Elements are told apart by data-key.
"use strict";

window.queueproxy = window.queueproxy || {};

(function (queueproxy) {
  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

  // A table whose rows have buttons keeps still while it is pointed at or has the focus: a row must
  // not slip away from under a click.
  const isSteady = (element) =>
    element.hasAttribute("data-steady") &&
    (element.matches(":focus-within") || (matchMedia("(hover: hover)").matches && element.matches(":hover")));

  const isSame = (a, b) => a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

  function drop(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  function dropUnwanted(old, fresh) {
    const wanted = new Set(Array.from(fresh.children, keyOf));
    for (const child of Array.from(old.children)) {
      if (keyOf(child) !== null && !wanted.has(keyOf(child))) child.remove();
    }
  }

  function copyAttributes(old, fresh) {
    for (const { name } of Array.from(old.attributes)) {
      if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }

  function findKeyed(at, wanted) {
    for (let node = at; node; node = node.nextSibling) if (isSame(node, wanted)) return node;
    return null;
  }

  function morphChildren(old, fresh) {
    dropUnwanted(old, fresh);
    let at = old.firstChild;
    for (const wanted of Array.from(fresh.childNodes)) {
      const match = keyOf(wanted) === null ? at && isSame(at, wanted) && at : findKeyed(at, wanted);
      if (!match) {
        old.insertBefore(wanted, at);
        continue;
      }
      while (at !== match && keyOf(at) === null) at = drop(at);
      if (at === match) at = at.nextSibling;
      else old.insertBefore(match, at);
      morph(match, wanted);
    }
    while (at) at = drop(at);
  }

  function morph(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
    } else if (!isSteady(old)) {
      copyAttributes(old, fresh);
      morphChildren(old, fresh);
    }
  }

  queueproxy.renew = function (element, html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    queueproxy.times.tellAll(template.content);
    morphChildren(element, template.content);
  };
})(window.queueproxy);
