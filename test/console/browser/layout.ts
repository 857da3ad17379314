import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

/** How a page is looked at: on a phone and on a desk, by day and by night. */
export const VIEWS = [
  { width: 1440, height: 900, colorScheme: "light" },
  { width: 360, height: 740, colorScheme: "dark" },
  { width: 1440, height: 900, colorScheme: "dark" },
  { width: 360, height: 740, colorScheme: "light" },
] as const satisfies readonly View[];

export interface View {
  readonly width: number;
  readonly height: number;
  readonly colorScheme: "light" | "dark";
}

export async function setView(page: Page, { width, height, colorScheme }: View): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.setViewportSize({ width, height });
}

/**
 * What reaches beyond the window, or beyond a card or table that would cut it off; of a cell also what
 * touches its border. What scrolls by itself may be as wide as it likes.
 */
export function overflowing(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const found = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.push("the page by " + (scrollWidth - clientWidth));
    for (const each of document.querySelectorAll("main *")) {
      if (each.closest(".unseen, thead, .sample section, svg, select, input, [hidden], noscript")) continue;
      if (!each.checkVisibility()) continue;
      const { display, overflowX } = getComputedStyle(each);
      if (display === "inline" || overflowX === "auto") continue;
      if (each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0) {
        found.push(each.tagName + "." + each.className + " by " + (each.scrollWidth - each.clientWidth));
      }
    }
    for (const table of document.querySelectorAll("main table")) {
      const edge = table.getBoundingClientRect().right - 4;
      for (const each of table.querySelectorAll("th, td, th *, td *")) {
        if (!each.checkVisibility() || each.closest(".unseen, thead")) continue;
        for (const node of each.childNodes) {
          if (node.nodeType !== 3 || node.data.trim() === "") continue;
          const range = document.createRange();
          range.selectNodeContents(node);
          if (range.getBoundingClientRect().right > edge) found.push("touches: " + node.data);
        }
      }
    }
    return found;
  })()`);
}

/** As a reader has it who has set text to be twice as large. */
export async function withLargeText(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setFontSizes", { fontSizes: { standard: 32, fixed: 26 } });
}

/** What of this can be seen, as HTML. */
export function visible(page: Page, selector: string): Promise<string[]> {
  return page.evaluate<string[]>(
    `Array.from(document.querySelectorAll(${JSON.stringify(selector)}))
      .filter((each) => each.checkVisibility() && each.getClientRects().length > 0)
      .map((each) => each.outerHTML.slice(0, 200))`,
  );
}

/** Elements with nothing in them: they would leave air. */
export function emptyElements(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(
    `Array.from(document.querySelectorAll("main :is(ul, ol, p, dl, table, tbody, section, div, form)"))
      .filter((each) => each.childElementCount === 0 && each.textContent.trim() === "")
      .map((each) => each.outerHTML)`,
  );
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds, a line each: all its rules, the best practices too. */
export async function axe(page: Page): Promise<string[]> {
  // Through the debugger, since the pages' policy lets no script of ours in.
  if (await page.evaluate<boolean>("!('axe' in globalThis)")) await page.evaluate(AXE);
  return page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join(" "))))`,
  );
}

/** Widths of a phone, a tablet and a desk, each by day and by night: axe looks at all. */
export const AXE_VIEWS = [
  [320, 640],
  [768, 1024],
  [1440, 900],
].flatMap(([width = 0, height = 0]) =>
  (["dark", "light"] as const).map((colorScheme) => ({ width, height, colorScheme })),
);

/** What takes the focus when the Tab key is pressed. */
const USABLE =
  "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";

/**
 * Goes once round the page by the Tab key, from where it is.
 * @returns what can be used and is not reached, and what is reached and does not show it
 */
export async function keyboardFlaws(page: Page): Promise<string[]> {
  const count = await page.evaluate<number>(`(() => {
    globalThis.toReach = new Set(
      Array.from(document.querySelectorAll(${JSON.stringify(USABLE)})).filter(
        (each) => !each.disabled && each.tabIndex >= 0 && each.checkVisibility({ visibilityProperty: true }),
      ),
    );
    // Of a date, the keyboard reaches day, month, year and the picker.
    return toReach.size + 3 * document.querySelectorAll("input[type=date]").length;
  })()`);
  const flaws: string[] = [];
  // Past the last one, the focus leaves the page once.
  for (let pressed = 0; pressed < count + 3; pressed++) {
    await page.keyboard.press("Tab");
    const flaw = await page.evaluate<string | null>(`(() => {
      const each = document.activeElement;
      if (each === null || each === document.body) return null;
      for (const other of [...toReach]) {
        // The keyboard reaches one button of a group, and arrows the others.
        if (other === each || (each.type === "radio" && other.name === each.name && other.form === each.form)) toReach.delete(other);
      }
      const { outlineStyle, outlineWidth } = getComputedStyle(each);
      const { top, bottom, left, right } = each.getBoundingClientRect();
      const html = each.outerHTML.slice(0, 160);
      // The browser itself marks the parts of a date.
      const isOutlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      if (!isOutlined && each.type !== "date") return "no outline: " + html;
      if (bottom < 0 || top > innerHeight || right < 0 || left > innerWidth) return "out of view: " + html;
      return null;
    })()`);
    if (flaw !== null) flaws.push(flaw);
  }
  const left = await page.evaluate<string[]>(
    "[...toReach].map((each) => 'not reached: ' + each.outerHTML.slice(0, 160))",
  );
  return [...new Set([...flaws, ...left])];
}

/** What a screen reader offers to use. */
const CONTROLS = new Set([
  ...["button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "listbox"],
  ...["spinbutton", "DisclosureTriangle", "tab", "menuitem", "switch", "Date"],
]);

/**
 * In the accessibility tree, as a screen reader has it.
 * @returns controls without a name, and links of one name to several places
 */
export async function nameFlaws(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  /** A row is told with its link. */
  const isInRow = ({ parentId = "" }: (typeof nodes)[number]): boolean => {
    const parent = byId.get(parentId);
    return parent !== undefined && (parent.role?.value === "row" || isInRow(parent));
  };
  const controls = nodes
    .filter(({ ignored, role }) => !ignored && CONTROLS.has(String(role?.value)))
    .map((node) => ({
      role: String(node.role?.value),
      name: String(node.name?.value ?? "").trim(),
      url: String(node.properties?.find(({ name }) => name === "url")?.value.value ?? ""),
      isInRow: isInRow(node),
    }));
  const links = Map.groupBy(
    controls.filter(({ role, isInRow }) => role === "link" && !isInRow),
    ({ name }) => name,
  );
  return [
    ...(controls.length === 0 ? ["no controls at all"] : []),
    ...controls
      .filter(({ name }) => name === "")
      .map(({ role, url }) => `a ${role} without a name ${url}`),
    ...[...links]
      .filter(([, some]) => new Set(some.map(({ url }) => url)).size > 1)
      .map(
        ([name, some]) => `${some.length} links "${name}": ${some.map(({ url }) => url).join(" ")}`,
      ),
  ];
}

/** Text in Hebrew, which users wrote, outside of what isolates it: it would reorder what stands beside it. */
export function notIsolated(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      if (!/[\\u0590-\\u05ff]/.test(node.data) || node.parentElement.closest("bdi, [dir=auto], script")) continue;
      found.push(node.parentElement.outerHTML.slice(0, 200));
    }
    return found;
  })()`);
}
