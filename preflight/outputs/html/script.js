"use strict";
// Everything is readable without this script: it filters, sorts, pages, copies and switches the theme.
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const number = (count) => count.toLocaleString("en-US");
  const say = (text) => { byId("said").textContent = text; };
  const listen = (id, event, handler) => { const element = byId(id); if (element) element.addEventListener(event, handler); };

  all(".needs-script").forEach((element) => { element.hidden = false; });
  all(".without-script").forEach((element) => { element.hidden = true; });

  // -- theme ------------------------------------------------------------------------------------------------------
  // Nothing is stored: the system's wish holds until the button is pressed, and again in a new window.
  const darkWished = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (darkWished.matches ? "dark" : "light")) === "dark";
  const showTheme = () => byId("theme").setAttribute("aria-pressed", String(isDark()));
  byId("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
  });
  darkWished.addEventListener("change", showTheme);
  showTheme();

  // -- copying ----------------------------------------------------------------------------------------------------
  // The Clipboard API may be missing, or refuse: then the old way, then the text is left selected for the reader.
  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  const copied = async (element) => {
    try {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    } catch {
      select(element);
      return document.execCommand("copy");
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const done = await copied(button.parentElement.querySelector("code"));
    const label = button.firstChild;
    label.textContent = done ? "Copied" : "Press Ctrl+C";
    say(done ? "Command copied" : "The command is selected: press Ctrl+C");
    setTimeout(() => { label.textContent = "Copy"; }, 2000);
  });

  // -- checks -----------------------------------------------------------------------------------------------------
  const results = all("details.result");
  const texts = new Map();
  const textOf = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };
  const wordsOf = (id) => byId(id).value.toLowerCase().split(/\s+/).filter(Boolean);
  const filterChecks = () => {
    const pressed = new Set(all(".chip[aria-pressed=true]").map((chip) => chip.dataset.status));
    const words = wordsOf("check-search");
    let shown = 0;
    for (const result of results) {
      const fits = (!pressed.size || pressed.has(result.dataset.status))
        && words.every((word) => textOf(result).includes(word));
      result.hidden = !fits;
      shown += fits;
    }
    for (const area of all(".area")) area.hidden = !area.querySelector("details.result:not([hidden])");
    byId("no-check").hidden = shown > 0;
    byId("check-count").textContent = shown === results.length
      ? `${number(shown)} results` : `${number(shown)} of ${number(results.length)} results`;
  };
  const clearChecks = () => {
    all(".chip").forEach((chip) => chip.setAttribute("aria-pressed", "false"));
    byId("check-search").value = "";
    filterChecks();
  };
  for (const chip of all(".chip")) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      filterChecks();
    });
  }
  listen("check-search", "input", filterChecks);
  listen("clear-checks", "click", () => { clearChecks(); byId("check-search").focus(); });
  listen("toggle-all", "click", (event) => {
    const open = event.target.getAttribute("aria-expanded") !== "true";
    results.forEach((result) => { result.open = open; });
    event.target.setAttribute("aria-expanded", String(open));
    event.target.textContent = open ? "Close all" : "Open all";
  });

  // A link to a result shows it, whatever the filter says.
  const reveal = () => {
    const target = location.hash.length > 1 && byId(location.hash.slice(1));
    if (!target || !target.matches("details.result")) return;
    if (target.hidden) clearChecks();
    target.open = true;
    target.querySelector("summary").focus({ preventScroll: true });
    target.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#r"]');
    if (link && link.hash === location.hash) reveal();
  });
  reveal();

  // -- printing ---------------------------------------------------------------------------------------------------
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    closed.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => { closed.forEach((details) => { details.open = false; }); });
  listen("print", "click", () => print());

  // -- blocked users ----------------------------------------------------------------------------------------------
  const PAGE = 100;
  const SHARED = [3, 4, 5, 6, 7];
  const source = byId("user-data");
  if (source) {
    const data = JSON.parse(source.textContent);
    const rows = data.rows.map((row) => row.map((cell, column) => (SHARED.includes(column) ? data.texts[cell] : cell)));
    const table = byId("user-table");
    const body = table.tBodies[0];
    const withDomain = table.classList.contains("with-domain");
    const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
    let haystacks = null;
    let shown = rows.map((_, index) => index);
    let page = 0;
    let sortedBy = { column: -1, ascending: true };

    const cell = (text, tag = "td") => {
      const element = document.createElement(tag);
      element.textContent = text;
      return element;
    };
    const rowOf = ([name, account, upn, domain, container, rights, code, why]) => {
      const line = document.createElement("tr");
      const head = cell(name, "th");
      head.scope = "row";
      if (account) head.append(Object.assign(document.createElement("small"), { textContent: account }));
      const cause = cell("");
      if (code) cause.append(Object.assign(document.createElement("code"), { textContent: code }));
      line.append(head, cell(upn), ...(withDomain ? [cell(domain)] : []), cell(container), cause, cell(rights), cell(why));
      return line;
    };
    const pages = () => Math.max(1, Math.ceil(shown.length / PAGE));
    const show = () => {
      page = Math.min(Math.max(page, 0), pages() - 1);
      const from = page * PAGE;
      body.replaceChildren(...shown.slice(from, from + PAGE).map((index) => rowOf(rows[index])));
      const to = Math.min(from + PAGE, shown.length);
      byId("page-number").textContent = shown.length ? `${number(from + 1)} to ${number(to)} of ${number(shown.length)}` : "nobody";
      byId("user-count").textContent = shown.length === rows.length
        ? `${number(rows.length)} users` : `${number(shown.length)} of ${number(rows.length)} users`;
      for (const id of ["first-page", "previous-page"]) byId(id).disabled = page === 0;
      for (const id of ["next-page", "last-page"]) byId(id).disabled = page >= pages() - 1;
    };
    const arrange = () => {
      const words = wordsOf("user-search");
      const cause = byId("user-cause").value;
      const container = byId("user-container").value;
      haystacks ??= rows.map((row) => row.join("\n").toLowerCase());
      shown = [];
      rows.forEach((row, index) => {
        if ((!cause || row[6] === cause) && (!container || row[4] === container)
            && words.every((word) => haystacks[index].includes(word))) shown.push(index);
      });
      const { column, ascending } = sortedBy;
      if (column >= 0) {
        const sign = ascending ? 1 : -1;
        shown.sort((one, other) => sign * order.compare(rows[one][column], rows[other][column]) || one - other);
      }
      page = 0;
      show();
    };
    for (const head of all("th", table.tHead)) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const column = Number(head.dataset.column);
        sortedBy = { column, ascending: sortedBy.column !== column || !sortedBy.ascending };
        all("th", table.tHead).forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", sortedBy.ascending ? "ascending" : "descending");
        arrange();
      });
    }
    listen("user-search", "input", arrange);
    listen("user-cause", "change", arrange);
    listen("user-container", "change", arrange);
    const turn = (id, to) => listen(id, "click", () => { page = to(); show(); });
    turn("first-page", () => 0);
    turn("previous-page", () => page - 1);
    turn("next-page", () => page + 1);
    turn("last-page", () => pages() - 1);
    show();
  }
})();
