// The console, livelier. Without this file every page is complete, only still: each form works by itself.
"use strict";

// --- the worklist: a stream says when it has changed, and the page fetches the list anew

(() => {
  const list = document.getElementById("worklist");
  if (!list || !window.EventSource) return;
  const title = document.title;
  const lost = document.getElementById("lost");
  let stream = null;
  let fetching = false;
  let again = false;

  const ids = () => new Set([...list.querySelectorAll("li.alert")].map((one) => one.id));
  const tell = (words) => {
    lost.hidden = !words;
    lost.textContent = words;
  };
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
      tell("");
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
    stream?.close();
    tell("You have been signed out, and this list is old: load the page again to sign in.");
    list.classList.add("old");
  }

  stream = new EventSource(list.dataset.follow);
  stream.onmessage = refresh;
  stream.addEventListener("over", over);
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) refresh(); // refused: signed out, or the program is restarting
  };
  setInterval(() => document.hidden || list.classList.contains("old") || refresh(), 60000); // the minutes that are left
  document.addEventListener("visibilitychange", () => document.hidden || list.classList.contains("old") || refresh());
  window.addEventListener("pagehide", () => stream.close());
  showCount();
})();
