// Conveniences of the API docs. Every page is complete without JavaScript.

// Remembers the language of code samples, where the browser allows it.
const LANGUAGE = "latchkey-docs-language";
try {
  for (const choice of document.querySelectorAll("[name=language]")) {
    if (choice.value === localStorage.getItem(LANGUAGE)) choice.checked = true;
    choice.addEventListener("change", () => localStorage.setItem(LANGUAGE, choice.value));
  }
} catch {
  // Storage is blocked.
}

// Marks the section in view in the contents, and scrolls them to the current operation.
const contents = document.querySelector(".contents");
const current = contents.querySelector("[aria-current]");
if (current) contents.scrollTop = current.offsetTop - contents.clientHeight / 2;
const sections = Array.from(contents.querySelectorAll("a[href^='#']"), (link) => [
  link,
  document.querySelector(link.hash),
]);
function markSection() {
  const isEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
  const read = sections.filter(
    ([, each]) => each.isConnected && each.getBoundingClientRect().top < innerHeight / 4,
  );
  const [shown] = (isEnd && scrollY > 0 ? sections : read).at(-1) ?? [];
  for (const [link] of sections) {
    if (link === shown) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
addEventListener("scroll", markSection, { passive: true });
markSection();

// Searches as one types: the results take the place of the page until the field is empty again.
const field = contents.querySelector("[name=q]");
const told = contents.querySelector("[role=status]");
const page = document.querySelector(".doc");
const before = new URLSearchParams(location.search).has("q") ? null : [...page.childNodes];
let typed;
field.addEventListener("input", () => {
  clearTimeout(typed);
  const query = field.value.trim();
  typed = setTimeout(async () => {
    if (query === "" && before) {
      page.replaceChildren(...before);
      told.textContent = "";
      return;
    }
    try {
      const answer = await fetch(`/docs?q=${encodeURIComponent(query)}`);
      const html = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = html.querySelector(".doc");
      // Typed on in the meantime: the later answer counts.
      if (!found || field.value.trim() !== query) return;
      page.replaceChildren(...found.childNodes);
      scrollTo(0, 0);
      told.textContent = page.querySelector("h1").textContent;
    } catch {
      // Offline for a moment; Enter still searches.
    }
  }, 200);
});
