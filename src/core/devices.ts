/** What a client says that it is, and roughly where Cloudflare saw it. Each text is short and plain. */
export interface Device {
  /** A browser, or the name that a program gives itself. */
  readonly browser: string | null;
  readonly system: string | null;
  /** ISO 3166-1 alpha-2, or `T1` for Tor. */
  readonly country: string | null;
  readonly city: string | null;
}

/** From where, and with what, someone logged in. */
export interface NoticedLogin extends Device {
  readonly way: string;
}

/** Most browsers also name those that they descend from, so the order matters. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\b(?:OPR|OPiOS|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bWindows\b/, "Windows"],
  [/\bi(?:Phone|Pod)\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bMac(?:intosh| OS X)\b/, "macOS"],
  [/\bLinux\b|\bX11\b/, "Linux"],
];

const MAX_CITY = 60;

const firstOf = (table: typeof BROWSERS, text: string) =>
  table.find(([form]) => form.test(text))?.[1] ?? null;

/**
 * Browser and system of a `User-Agent` of a bounded length, which is whatever the client likes: for people to recognize, and for
 * nothing else. A program's own name keeps no dot and no blank, so that no email shows it as a link.
 */
export function clientOf(userAgent: string): Pick<Device, "browser" | "system"> {
  const [, program = null] =
    /^(?!Mozilla\/)([A-Za-z][A-Za-z0-9_-]{0,31})(?:\/|$)/.exec(userAgent) ?? [];
  return { browser: program ?? firstOf(BROWSERS, userAgent), system: firstOf(SYSTEMS, userAgent) };
}

/** Cloudflare's own words, as far as they have the form that it documents; the request may not be its own. */
export function locationOf(country: unknown, city: unknown): Pick<Device, "country" | "city"> {
  const isCountry = typeof country === "string" && /^(?!XX)(?:[A-Z]{2}|T1)$/.test(country);
  const isCity =
    typeof city === "string" && city.length <= MAX_CITY && /^[\p{L}\p{M}' ().-]+$/u.test(city);
  return { country: isCountry ? country : null, city: isCountry && isCity ? city : null };
}

/** Whether it is one of those that the service itself names. */
export const isBrowser = (name: string | null): boolean =>
  BROWSERS.some(([, known]) => known === name);

/** For people: "Chrome on Windows, near Berlin, DE". */
export function deviceText({ browser, system, country, city }: Device): string {
  const client = [browser ?? "an unknown browser", system].filter(Boolean).join(" on ");
  const place = [city, country].filter(Boolean).join(", ");
  return place === "" ? client : `${client}, near ${place}`;
}
