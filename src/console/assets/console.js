// What is nicer with JavaScript. Every page is complete without it.

// Buttons that copy, and say it to who does not see them as well.
for (const button of document.querySelectorAll("[data-copy]")) {
  const told = document.createElement("span");
  told.role = "status";
  told.className = "unseen";
  button.after(told);
  button.hidden = false;
  button.addEventListener("click", async () => {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
      told.textContent = "Copied";
    } catch {
      // The browser does not let us: then by hand.
      getSelection().selectAllChildren(button.parentElement.querySelector("output"));
      told.textContent = "Selected: copy it yourself";
      told.className = "hint";
    }
    setTimeout(() => {
      button.textContent = label;
      told.textContent = "";
    }, 2000);
  });
}

// A double click sends a form once.
document.addEventListener("submit", (event) => {
  const { dataset } = event.target;
  if (dataset.isSent) event.preventDefault();
  dataset.isSent = "yes";
  setTimeout(() => delete dataset.isSent, 2000);
});

// Escape closes what asks again, and leaves the focus where it was opened.
document.addEventListener("keydown", ({ key, target }) => {
  const open = key === "Escape" && target.closest?.("details.confirm[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// Times in the reader's own zone.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const local = format.format(new Date(time.dateTime));
    if ("relative" in time.dataset) {
      time.title = local;
    } else {
      time.title = time.dateTime;
      time.textContent = local;
    }
  }
}
localTimes(document);

// Parts of a page that change by themselves, as long as somebody looks and until nothing more comes.
for (const part of document.querySelectorAll("[data-refresh]")) {
  const every = Number(part.dataset.every) * 1000;
  const refresh = async () => {
    if (part.querySelector("[data-over]")) return;
    try {
      if (document.hidden) return;
      const answer = await fetch(part.dataset.refresh, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const html = await answer.text();
      if (html !== part.dataset.shown) {
        part.dataset.shown = html;
        const parsed = new DOMParser().parseFromString(html, "text/html");
        part.replaceChildren(...parsed.body.childNodes);
        localTimes(part);
      }
    } catch {
      // Offline for a moment: the next round tries again.
    } finally {
      setTimeout(refresh, every);
    }
  };
  setTimeout(refresh, every);
}
