// The console, livelier. Without this file every page is complete, only still: each form works by itself.
"use strict";

document.querySelector(".bar [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// --- the worklist: a stream says when it has changed, and the page fetches the list anew

(() => {
  const list = document.getElementById("worklist");
  if (!list || !window.EventSource) return;
  const title = document.title;
  const lost = document.getElementById("lost");
  const [SOONEST, LATEST] = [2000, 10000]; // milliseconds to the next try, by chance: not all browsers at once
  let stream = null;
  let timer = 0;
  let fetching = false;
  let again = false;

  const ids = () => new Set([...list.querySelectorAll("li.alert")].map((one) => one.id));
  const tell = (words) => {
    lost.hidden = !words;
    lost.textContent = words;
  };
  const isOver = () => list.classList.contains("old");
  const isLive = () => stream?.readyState === EventSource.OPEN;
  const showCount = () => {
    const count = list.querySelector("[data-count]")?.dataset.count;
    document.title = count ? `(${count}) ${title}` : title;
  };

  async function refresh() {
    if (fetching) {
      again = true;
      return;
    }
    fetching = true;
    try {
      const answer = await fetch(list.dataset.part);
      if (answer.status === 401) return over();
      if (!answer.ok) throw new Error(answer.status);
      swap(await answer.text());
      if (isLive()) tell("");
    } catch {
      tell("The program does not answer just now, and this list may be old. The page goes on trying.");
    } finally {
      fetching = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  }

  function swap(html) {
    const known = ids();
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    const where = focused?.closest("li.alert")?.id;
    const place = where ? [...document.getElementById(where).querySelectorAll("a, button")].indexOf(focused) : -1;
    list.innerHTML = html; // our own page, made by the same template
    if (place >= 0) document.getElementById(where)?.querySelectorAll("a, button")[place]?.focus({ preventScroll: true });
    const fresh = [...list.querySelectorAll("li.alert")].filter((one) => !known.has(one.id));
    for (const one of fresh) one.classList.add("fresh");
    if (fresh.length) {
      const names = fresh.slice(0, 3).map((one) => one.querySelector(".line").textContent.replace(/\s+/g, " ").trim());
      document.getElementById("news").textContent = `${fresh.length} new: ${names.join("; ")}`;
    }
    showCount();
  }

  function over() {
    clearTimeout(timer);
    stream?.close();
    tell("You have been signed out, and this list is old: load the page again to sign in.");
    list.classList.add("old");
  }

  // A browser connects again by itself when a stream breaks off, and never when it was refused, as by a balancer's 502.
  function open() {
    clearTimeout(timer);
    if (isOver()) return;
    stream?.close();
    stream = new EventSource(list.dataset.follow);
    stream.onopen = () => lost.hidden || refresh(); // which takes back what was said, once the list is fresh
    stream.onmessage = refresh;
    stream.addEventListener("over", over);
    stream.onerror = () => {
      if (stream.readyState !== EventSource.CLOSED) return;
      tell("This list does not follow what happens just now, and may be old. The page goes on trying.");
      clearTimeout(timer);
      timer = setTimeout(open, SOONEST + Math.random() * (LATEST - SOONEST));
      refresh(); // and finds out if it was refused because somebody is signed out
    };
  }

  open();
  const refreshIfSeen = () => document.hidden || isOver() || refresh();
  setInterval(refreshIfSeen, 60000); // the minutes that are left
  document.addEventListener("visibilitychange", refreshIfSeen);
  window.addEventListener("pagehide", () => {
    clearTimeout(timer);
    stream.close();
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted || isOver()) return; // only a page that was kept comes back with its stream closed
    open();
    refresh();
  });
  showCount();
})();

// --- the rota: a gap or a shift that is chosen, or hours that are pressed and drawn over, fill the form below

(() => {
  const card = document.getElementById("cover");
  const form = card?.querySelector("form");
  if (!form) return;
  const said = document.getElementById("covering");
  let first = null; // where the pointer went down
  let waiting = null; // one hour was pressed: the next one in this tier ends the stretch
  let drawn = []; // hours that are marked

  for (const words of card.querySelectorAll(".with-js")) words.hidden = false;
  for (const row of document.querySelectorAll(".hours")) {
    row.classList.add("live");
    // What a tap sets off afterwards would land on whatever the page has moved there, and take the focus away.
    row.addEventListener("touchend", (event) => event.cancelable && event.preventDefault());
  }

  const tierOf = (hour) => hour.closest("[data-hours-of]").dataset.hoursOf;
  const hourAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".hours > b") ?? null;

  function fill(values) {
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    said.textContent = `To cover: tier ${values.tier}, ${values.from.replace("T", " ")} to ${values.to.replace("T", " ")}`;
  }

  function goToForm() {
    card.scrollIntoView({ block: "nearest" });
    form.elements.staff.focus({ preventScroll: true });
  }

  function mark(from, to) {
    const all = [...from.closest("[data-hours-of]").querySelectorAll(".hours > b")];
    const [a, b] = [all.indexOf(from), all.indexOf(to)].sort((x, y) => x - y);
    for (const hour of drawn) hour.classList.remove("picked");
    drawn = all.slice(a, b + 1);
    for (const hour of drawn) hour.classList.add("picked");
  }

  function forget() {
    for (const hour of drawn) hour.classList.remove("picked");
    drawn = [];
    first = waiting = null;
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-cover]");
    if (!link) return;
    event.preventDefault();
    forget();
    const { tier, from, to, instead } = link.dataset;
    fill({ tier, from, to, "instead-of": instead });
    goToForm();
  });

  document.addEventListener("pointerdown", (event) => {
    const hour = event.isPrimary && event.button === 0 ? event.target.closest(".hours > b") : null;
    if (!hour) return;
    if (hour.hasPointerCapture?.(event.pointerId)) hour.releasePointerCapture(event.pointerId);
    if (waiting && tierOf(waiting) !== tierOf(hour)) forget();
    first = hour;
    mark(waiting ?? hour, hour);
  });

  document.addEventListener("pointermove", (event) => {
    const hour = first && hourAt(event);
    if (hour && tierOf(hour) === tierOf(first)) mark(waiting ?? first, hour);
  });

  document.addEventListener("pointerup", () => {
    if (!first) return;
    fill({ tier: tierOf(first), from: drawn[0].dataset.from, to: drawn.at(-1).dataset.to, "instead-of": "" });
    const alone = drawn.length === 1 && !waiting;
    waiting = alone ? first : null;
    first = null;
    if (!alone) goToForm();
  });

  document.addEventListener("pointercancel", forget);
  document.addEventListener("keydown", (event) => event.key === "Escape" && forget());
})();

// --- a form that is checked as it is typed: the same words as its button "Check first" brings

(() => {
  const form = document.querySelector("form[data-check]");
  if (!form) return;
  const place = document.getElementById(form.dataset.fills);
  const heard = document.getElementById(`${form.dataset.fills}-heard`);
  let timer = 0;
  let asked = null;

  async function check() {
    asked?.abort();
    asked = new AbortController();
    const given = new URLSearchParams(new FormData(form));
    given.set("do", "check");
    place.parentElement.classList.add("waiting");
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body: given, signal: asked.signal });
      if (!answer.ok) throw new Error(answer.status);
      place.innerHTML = await answer.text(); // our own page, made by the same template
      for (const field of form.querySelectorAll(".field, .ticks")) mark(field);
      forget();
      heard.textContent = place.querySelector("[data-heard]").dataset.heard;
    } catch (error) {
      if (error.name === "AbortError") return; // something newer was typed, and that is being asked
      heard.textContent = "What was typed cannot be checked just now. The button Enrol works all the same.";
      place.replaceChildren(Object.assign(document.createElement("p"), { className: "tell", textContent: heard.textContent }));
    }
    place.parentElement.classList.remove("waiting");
  }

  // What was said on top of the page when the form was refused goes line by line as it is mended.
  function forget() {
    const problem = document.getElementById("problem");
    for (const link of problem?.querySelectorAll("a") ?? []) {
      const name = document.querySelector(link.hash)?.closest(".field, .ticks")?.querySelector("[name]").name;
      if (!place.querySelector(`[data-wrong="${CSS.escape(name ?? "")}"]`)) link.closest("li").remove();
    }
    if (!problem?.querySelector("li") || !place.querySelector("[data-wrong]")) problem?.remove();
  }

  function mark(field) {
    const input = field.querySelector("[name]");
    const wrong = place.querySelector(`[data-wrong="${CSS.escape(input.name)}"]`)?.textContent ?? "";
    const hint = field.querySelector(".hint") ?? field.appendChild(document.createElement("small"));
    hint.id ||= `${input.id || input.name}-hint`;
    hint.dataset.usual ??= hint.classList.contains("wrong") ? "" : hint.textContent;
    hint.className = wrong ? "hint wrong" : "hint";
    hint.textContent = wrong || hint.dataset.usual;
    if (input.type === "checkbox") return;
    input.toggleAttribute("aria-invalid", Boolean(wrong));
    if (wrong) input.setAttribute("aria-invalid", "true");
    if (hint.textContent) input.setAttribute("aria-describedby", hint.id);
    else input.removeAttribute("aria-describedby");
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 400);
  });
})();

// --- a second click while the first one is on its way

(() => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.classList.contains("sending")) event.preventDefault();
      form.classList.add("sending");
      setTimeout(() => form.classList.remove("sending"), 15000); // it went nowhere
    });
    window.addEventListener("pageshow", () => form.classList.remove("sending"));
  }
})();

// --- a text to a patient: how much of it is left

(() => {
  for (const form of document.querySelectorAll("form[data-count-text]")) {
    const box = form.querySelector("textarea");
    const left = document.createElement("small");
    left.className = "hint";
    box.after(left);
    const show = () => {
      left.textContent = `${box.maxLength - box.value.length} characters left`;
    };
    box.addEventListener("input", show);
    show();
  }
})();

// --- a key that is typed elsewhere: copied without the blanks that make it easy to read

(() => {
  if (!navigator.clipboard) return; // a page that came without https, from another machine
  for (const button of document.querySelectorAll("button[data-copies]")) {
    const place = document.getElementById(button.dataset.copies);
    const said = document.getElementById(`${button.dataset.copies}-copied`);
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(place.textContent.replace(/\s/g, ""));
        said.textContent = "Copied.";
      } catch {
        said.textContent = "It could not be copied: please type it.";
      }
    });
  }
})();

// --- one form is sent while something half-typed stands in another: sending loads the page anew, and it would be gone

(() => {
  const typedIn = new Set();
  document.addEventListener("input", ({ target }) => target.form && typedIn.add(target.form));

  const differs = (field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
    return "defaultValue" in field && field.value !== field.defaultValue;
  };
  const holdsMore = (form) =>
    form.isConnected && form.method === "post" && !form.matches("[role='search']") && [...form.elements].some(differs);
  const nameOf = (form) =>
    (form.closest("details")?.querySelector("summary") ?? form.closest("section")?.querySelector("h2, h3") ?? document.querySelector("h1"))
      .textContent.trim();

  document.addEventListener(
    "submit",
    (event) => {
      const others = [...typedIn].filter((form) => form !== event.target && holdsMore(form));
      if (!others.length) return;
      const names = [...new Set(others.map(nameOf))].map((name) => `“${name}”`).join(", ");
      if (confirm(`What you typed under ${names} has not been sent, and would be lost.\n\nGo on all the same?`)) return;
      event.preventDefault();
      event.stopPropagation(); // nor is this form marked as sent
      others[0].scrollIntoView({ block: "nearest" });
    },
    true,
  );
})();
