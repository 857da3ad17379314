// Conveniences. Every page is complete without JavaScript.

// Samples of code have their copy button by a template.
const copyButton = document.querySelector("#copy-button");
for (const sample of copyButton ? document.querySelectorAll(".sample") : []) {
  const button = copyButton.content.firstElementChild.cloneNode(true);
  button.ariaLabel += ` ${sample.querySelector("section").ariaLabel}`;
  sample.querySelector("figcaption").after(button);
}

// Copy buttons, which also announce the result to screen readers.
for (const button of document.querySelectorAll("[data-copy]")) {
  const told = document.createElement("span");
  told.role = "status";
  told.className = "unseen";
  button.after(told);
  button.hidden = false;
  const shown = button.parentElement.querySelector("output, pre");
  button.addEventListener("click", async () => {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy || shown.textContent);
      button.textContent = button.dataset.copied;
      told.textContent = button.dataset.copied;
    } catch {
      // The browser denied clipboard access: select the text for the user to copy.
      getSelection().selectAllChildren(shown);
      told.textContent = button.dataset.selected;
      told.className = "hint";
    }
    setTimeout(() => {
      button.textContent = label;
      told.textContent = "";
    }, 2000);
  });
}

// Passwords can be shown while they are typed. They are sent as passwords, so that the browser keeps them as such.
for (const button of document.querySelectorAll(".reveal")) {
  const input = button.previousElementSibling;
  const show = button.textContent;
  button.hidden = false;
  const set = (isShown) => {
    input.type = isShown ? "text" : "password";
    button.textContent = isShown ? button.dataset.hide : show;
  };
  button.addEventListener("click", () => {
    set(input.type === "password");
    input.focus();
  });
  input.form.addEventListener("submit", () => set(false));
}

// Printing, and sharing where the browser can.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
for (const button of navigator.share ? document.querySelectorAll("[data-share]") : []) {
  const { share: url, title } = button.dataset;
  button.hidden = false;
  // Rejects where the reader thought better of it.
  button.addEventListener("click", () => navigator.share({ title, url }).catch(() => undefined));
}

// A double click submits a form once.
document.addEventListener("submit", (event) => {
  const { dataset } = event.target;
  if (dataset.isSent) event.preventDefault();
  dataset.isSent = "yes";
  setTimeout(() => delete dataset.isSent, 2000);
});

// Escape closes a confirmation or the account menu, and returns focus to what opened it; so does a press beside the menu.
document.addEventListener("keydown", ({ key, target }) => {
  const open = key === "Escape" && target.closest?.("details:is(.confirm, .who)[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
document.addEventListener("click", ({ target }) => {
  for (const open of document.querySelectorAll(".who[open]")) {
    if (!open.contains(target)) open.open = false;
  }
});

// The server shows times in the time zone that this cookie names; on the first page, which had none, the script does.
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
const zone = `__Host-latchkey-zone=${timeZone}`;
const knowsZone = document.cookie.split("; ").includes(zone);
// biome-ignore lint/suspicious/noDocumentCookie: where there is no CookieStore, as on http, nothing else sets one
if (!knowsZone) document.cookie = `${zone}; Path=/; Max-Age=31536000; Secure; SameSite=Strict`;
const locale = document.documentElement.lang;
const short = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long" });
for (const time of knowsZone ? [] : document.querySelectorAll("time[datetime]")) {
  const date = new Date(time.dateTime);
  time.title = exact.format(date);
  if (!("relative" in time.dataset)) time.textContent = short.format(date);
}

// Polls the parts of a page that change, while the page is visible and until nothing more can change.
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
      }
    } catch {
      // Offline for a moment; the next round retries.
    } finally {
      setTimeout(refresh, every);
    }
  };
  setTimeout(refresh, every);
}

// Passkeys: each form's options go to the browser, and its answer into the form.
const ways = { create: "parseCreationOptionsFromJSON", get: "parseRequestOptionsFromJSON" };
for (const form of document.querySelectorAll("[data-passkey]")) {
  const kind = form.dataset.passkey;
  const parse = globalThis.PublicKeyCredential?.[ways[kind]];
  if (parse === undefined) continue;
  form.hidden = false;
  if (kind === "create") form.nextElementSibling.hidden = true;
  let waiting = new AbortController();
  const answer = async (mediation) => {
    // One ceremony at a time: the browser refuses a second one.
    waiting.abort();
    waiting = new AbortController();
    const { signal } = waiting;
    const publicKey = parse.call(PublicKeyCredential, JSON.parse(form.dataset.options));
    const found = await navigator.credentials[kind]({ publicKey, signal, ...mediation });
    form.elements.response.value = JSON.stringify(found);
    form.submit();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await answer({});
    } catch (error) {
      // Pressed again: that one goes on.
      if (error.name === "AbortError") return;
      const { exists, unused } = form.dataset;
      form.querySelector("[role=status]").textContent =
        error.name === "InvalidStateError" ? exists : unused;
    }
  });
  // The browser offers passkeys in the field for the email, where it can.
  const offer = async () => {
    const can = await PublicKeyCredential.isConditionalMediationAvailable?.();
    if (can) await answer({ mediation: "conditional" });
  };
  if (kind === "get") offer().catch(() => undefined);
}
