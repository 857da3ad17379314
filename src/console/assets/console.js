// What is nicer with JavaScript. Every page is complete without it.

// Buttons that copy.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      // The browser does not let us: then by hand.
      getSelection().selectAllChildren(button.parentElement.querySelector("output"));
      button.textContent = "Selected: copy it yourself";
    }
    setTimeout(() => {
      button.textContent = label;
    }, 2000);
  });
}

// Times in the reader's own zone.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    time.title = time.dateTime;
    time.textContent = format.format(new Date(time.dateTime));
  }
}
localTimes(document);

// The current part of the menu stays in view on a phone.
document
  .querySelector(".menu [aria-current]")
  ?.scrollIntoView({ inline: "center", block: "nearest" });

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
