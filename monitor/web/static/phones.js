// The phones, live. Without this file the page is complete, only still: every form works by itself.
"use strict";

(() => {
  const PAUSE = 1000;
  const serverHtml = new Map(); // of each live part as the server last wrote it
  let tag = ""; // of the screens the browser has
  let posts = 0; // forms answered: an older look at the screens must not overwrite their outcome
  let timer = 0;

  const parse = (html) => new DOMParser().parseFromString(html, "text/html");
  const liveParts = (root) => root.querySelectorAll("[data-live]");
  const isInUse = (phone) =>
    phone.contains(document.activeElement) || phone.querySelector("textarea")?.value !== "";

  function remember(root) {
    for (const part of liveParts(root)) serverHtml.set(part.id, part.innerHTML);
  }

  // Replace what a part shows and keep what the reader did to it: opened, focused, scrolled back.
  function swap(part, fresh) {
    const opened = [...part.querySelectorAll("details[open]")].map((one) => one.id);
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    const { scrollTop, scrollHeight } = part;
    const known = new Set([...part.querySelectorAll("[data-news]")].map((one) => one.id));
    part.replaceChildren(...document.importNode(fresh, true).childNodes);
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    if (focused && focused !== part.id) document.getElementById(focused)?.focus({ preventScroll: true });
    if (scrollTop < -4) part.scrollTop = scrollTop - (part.scrollHeight - scrollHeight);
    return [...part.querySelectorAll("[data-news]")].filter((one) => !known.has(one.id));
  }

  function mergePhones(fresh, reorder) {
    const shelf = document.getElementById("phones");
    const wanted = [...fresh.querySelectorAll("#phones > article")];
    const ids = new Set(wanted.map((phone) => phone.id));
    const added = wanted.filter((phone) => !document.getElementById(phone.id));
    for (const phone of added.reverse()) {
      const placed = document.importNode(phone, true);
      shelf.prepend(placed);
      remember(placed);
    }
    for (const phone of [...shelf.children]) if (!ids.has(phone.id) && !isInUse(phone)) phone.remove();
    if (reorder) shelf.append(...wanted.map((phone) => document.getElementById(phone.id)));
    return added.map((phone) => document.getElementById(phone.id));
  }

  function merge(fresh, { reorder = false } = {}) {
    const added = mergePhones(fresh, reorder);
    const news = [];
    for (const part of liveParts(fresh)) {
      const here = document.getElementById(part.id);
      if (!here || serverHtml.get(part.id) === part.innerHTML) continue;
      serverHtml.set(part.id, part.innerHTML);
      news.push(...swap(here, part));
    }
    announce(news);
    return added;
  }

  function announce(news) {
    if (!news.length) return;
    for (const text of news) text.classList.add("fresh");
    const names = news.map((text) => text.closest("article").querySelector("h2").textContent);
    document.getElementById("news").textContent =
      news.length === 1
        ? `New on the phone of ${names[0]}: ${news[0].querySelector(".words").textContent}`
        : `${news.length} new texts, for ${[...new Set(names)].join(", ")}`;
  }

  function tell(words) {
    const line = document.createElement("p");
    line.className = "wrong";
    line.setAttribute("role", "alert");
    line.textContent = words;
    document.getElementById("note").replaceChildren(line);
  }

  async function look() {
    const before = posts;
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(`/phones/screens${location.search}`, { headers });
    if (before !== posts || answer.status === 304) return;
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    tag = answer.headers.get("ETag") ?? "";
    merge(parse(await answer.text()));
  }

  async function keepLooking() {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      await look();
      document.body.classList.remove("lost");
    } catch {
      if (!document.body.classList.contains("lost")) tell("The program does not answer. This page goes on trying.");
      document.body.classList.add("lost");
    }
    clearTimeout(timer);
    timer = setTimeout(keepLooking, PAUSE);
  }

  async function send(form, button) {
    const body = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body });
    if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/html")) {
      throw new Error((await answer.json()).detail);
    }
    const page = parse(await answer.text());
    posts += 1;
    tag = "";
    if (answer.ok) form.reset();
    if (answer.ok) history.replaceState(null, "", answer.url.replace(/[?&](moved|short)=[^&]*/g, ""));
    document.getElementById("note").replaceChildren(...page.getElementById("note").childNodes);
    const added = merge(page, { reorder: "reorder" in form.dataset });
    if (answer.ok && "adds" in form.dataset) showAdded(form, added[0]);
  }

  function showAdded(form, phone) {
    form.closest("details").open = false;
    phone?.scrollIntoView({ block: "center" });
    phone?.querySelector("textarea").focus({ preventScroll: true });
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    event.preventDefault();
    if (form.classList.contains("sending")) return;
    form.classList.add("sending");
    try {
      await send(form, event.submitter);
    } catch (error) {
      tell(`This did not work: ${error.message}`);
    } finally {
      form.classList.remove("sending");
      timer = setTimeout(keepLooking, PAUSE / 4);
    }
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.(".compose textarea");
    if (!typing || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    event.target.form.requestSubmit(event.target.form.querySelector("button"));
  });

  document.addEventListener("visibilitychange", keepLooking);
  remember(document);
  keepLooking();
})();
