import { fixedText } from "../http/conditional.ts";
import type { Route } from "../http/surface.ts";
import { fileRoute } from "./assets.ts";
import icon from "./assets/icon.svg";
import { frame as words } from "./words.ts";

/** As in the options of `createLatchkey`. */
export interface Brand {
  readonly name: string;
  readonly accent?: string;
  readonly logo?: string;
  readonly logoDark?: string;
  readonly links?: {
    readonly status?: string;
    readonly privacy?: string;
    readonly terms?: string;
    readonly support?: string;
  };
}

/** What each page shows of the brand. */
export interface Look {
  readonly name: string;
  readonly logo: string | null;
  /** The logo in the dark theme; null where it has none of its own. */
  readonly logoDark: string | null;
  /** The icon of the browser's tab; null for the service's own. */
  readonly icon: string | null;
  /** The logo's absolute URL, for previews of shared links. */
  readonly image: string | null;
  /** The URL of the style sheet with the brand's colors. */
  readonly stylesheet: string | null;
  readonly links: readonly (readonly [text: string, href: string])[];
  readonly routes: readonly Route[];
}

const LINKS = ["status", "privacy", "terms", "support"] as const;

/** @param issuer the deployment's URL */
export function lookOf({ name, accent, logo, logoDark, links = {} }: Brand, issuer: string): Look {
  const hrefs = LINKS.flatMap((key) => {
    const href = links[key];
    return href === undefined ? [] : [[words.links[key], href] as const];
  });
  const look = {
    name,
    logo: logo ?? null,
    logoDark: logoDark ?? null,
    icon: logo ?? null,
    image: logo?.startsWith("/") ? issuer + logo : null,
    links: hrefs,
  };
  if (accent === undefined) return { ...look, stylesheet: null, routes: [] };
  const [css, svg] = ["/console/assets/brand.css", "/console/assets/brand.svg"];
  const file = fixedText(colors(accent), "text/css; charset=utf-8");
  const iconFile = fixedText(
    icon.replace(/fill="#\w+"/, `fill="${inkOf(accent).light.ink}"`),
    "image/svg+xml",
  );
  return {
    ...look,
    // Functions of the isolate's start would compute the checksums there, where time is short.
    get stylesheet() {
      return `${css}?v=${file.version()}`;
    },
    get icon() {
      return logo ?? `${svg}?v=${iconFile.version()}`;
    },
    routes: [fileRoute(css, file), fileRoute(svg, iconFile)],
  };
}

type Rgb = readonly [number, number, number];

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
/** `--card` of the dark theme, on which links and buttons stand. */
const DARK: Rgb = [28, 32, 39];

/** WCAG 2.2, success criterion 1.4.3. */
const LEGIBLE = 4.5;

/** The accent in both themes: moved toward black or white until text in it can be read. */
export function colors(accent: string): string {
  const { light, dark } = inkOf(accent);
  return `:root {
  --accent: light-dark(${light.ink}, ${dark.ink});
  --on-accent: light-dark(#ffffff, #10192b);
  --wash: light-dark(${light.wash}, ${dark.wash});
}
`;
}

function inkOf(accent: string) {
  const given = [1, 3, 5].map((at) => Number.parseInt(accent.slice(at, at + 2), 16));
  const [red = 0, green = 0, blue = 0] = given;
  return {
    light: legible([red, green, blue], WHITE, BLACK, 0.09),
    dark: legible([red, green, blue], DARK, WHITE, 0.18),
  };
}

function legible(color: Rgb, ground: Rgb, toward: Rgb, tint: number) {
  for (let share = 0; ; share += 0.05) {
    const ink = mix(color, toward, Math.min(share, 1));
    const wash = mix(ground, ink, tint);
    if (contrast(ink, wash) >= LEGIBLE || share >= 1) return { ink: hex(ink), wash: hex(wash) };
  }
}

function mix(one: Rgb, other: Rgb, share: number): Rgb {
  const at = (index: 0 | 1 | 2) => Math.round(one[index] + (other[index] - one[index]) * share);
  return [at(0), at(1), at(2)];
}

const hex = (color: Rgb) => `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

/** WCAG's contrast of two colors: 1 to 21. */
function contrast(one: Rgb, other: Rgb): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
