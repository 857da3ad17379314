import type { Figure } from "./figures.ts";

export interface Bar {
  /** What the bar's color means; named once below the chart. */
  readonly series: string;
  readonly value: Figure;
  /** The limit that it should not exceed. */
  readonly limit?: number;
}

export interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
}

export interface BarChart {
  readonly title: string;
  /** The values' unit, shown below the axis. */
  readonly unit: string;
  readonly groups: readonly BarGroup[];
}

/** Distinguishable with color blindness too (Okabe and Ito). */
const COLOURS = ["#999999", "#0072b2", "#e69f00", "#009e73"];

const WIDTH = 860;
const LEFT = 330;
const RIGHT = 70;
const BAR = 14;
const GAP = 8;
const TOP = 44;

const across = WIDTH - LEFT - RIGHT;

/** A bar chart as SVG. A thin line over each bar shows the quartiles, a tick its limit. */
export function barChart({ title, unit, groups }: BarChart): string {
  const all = groups.flatMap(({ bars }) => bars);
  const most = Math.max(...all.map(({ value, limit }) => Math.max(value.high, limit ?? 0)));
  const step = niceStep(most / 6);
  const end = Math.ceil(most / step) * step;
  const x = (value: number) => round(LEFT + (value / end) * across);
  const series = [...new Set(all.map((bar) => bar.series))];
  const colour = (bar: Bar) => COLOURS[series.indexOf(bar.series) % COLOURS.length];

  const marks: string[] = [];
  let y = TOP;
  for (const { label, bars } of groups) {
    const middle = y + (bars.length * BAR) / 2 + 4;
    marks.push(`<text x="${LEFT - 8}" y="${middle}" text-anchor="end">${escaped(label)}</text>`);
    for (const bar of bars) {
      const { median, low, high } = bar.value;
      const centre = y + BAR / 2;
      marks.push(
        `<rect x="${LEFT}" y="${y}" width="${round(x(median) - LEFT)}" height="${BAR - 2}" fill="${colour(bar)}"/>`,
        `<path d="M${x(low)} ${centre - 1}H${x(high)}" stroke="#222"/>`,
        `<text x="${Math.max(x(high), x(bar.limit ?? 0)) + 6}" y="${centre + 3}">${short(median)}</text>`,
      );
      if (bar.limit !== undefined) {
        marks.push(
          `<path d="M${x(bar.limit)} ${y - 2}v${BAR + 2}" stroke="#d55e00" stroke-width="2"/>`,
        );
      }
      y += BAR;
    }
    y += GAP;
  }
  const grid: string[] = [];
  for (let value = 0; value <= end + step / 2; value += step) {
    grid.push(
      `<path d="M${x(value)} ${TOP - 6}V${y}" stroke="#ddd"/>`,
      `<text x="${x(value)}" y="${y + 14}" text-anchor="middle">${short(value)}</text>`,
    );
  }
  grid.push(
    `<text x="${LEFT + across / 2}" y="${y + 32}" text-anchor="middle">${escaped(unit)}</text>`,
  );
  const limits = all.some(({ limit }) => limit !== undefined) ? [["at most", "#d55e00"]] : [];
  const named = [...series.map((name, i) => [name, COLOURS[i % COLOURS.length] ?? ""]), ...limits];
  return svg(title, y + 66, [...grid, ...marks, legend(named, y + 52)]);
}

export interface LineChart {
  readonly title: string;
  readonly xUnit: string;
  readonly yUnit: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export function lineChart({ title, xUnit, yUnit, points }: LineChart): string {
  const [left, height] = [70, 260];
  const wide = WIDTH - left - RIGHT;
  const endX = Math.max(...points.map(([x]) => x));
  const mostY = Math.max(...points.map(([, y]) => y));
  const step = niceStep(mostY / 5);
  const endY = Math.ceil(mostY / step) * step;
  const x = (value: number) => round(left + (value / endX) * wide);
  const y = (value: number) => round(TOP + height - (value / endY) * height);
  const marks: string[] = [];
  for (let value = 0; value <= endY; value += step) {
    marks.push(
      `<path d="M${left} ${y(value)}h${wide}" stroke="#ddd"/>`,
      `<text x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${short(value)}</text>`,
    );
  }
  for (let i = 0; i <= 4; i++) {
    const value = (endX * i) / 4;
    marks.push(
      `<text x="${x(value)}" y="${TOP + height + 16}" text-anchor="middle">${value.toLocaleString("en-US")}</text>`,
    );
  }
  const path = points.map(([px, py]) => `${x(px)} ${y(py)}`).join("L");
  marks.push(
    `<path d="M${path}" fill="none" stroke="${COLOURS[1]}" stroke-width="2"/>`,
    `<text x="${left + wide / 2}" y="${TOP + height + 36}" text-anchor="middle">${escaped(xUnit)}</text>`,
    `<text x="${left}" y="${TOP - 8}">${escaped(yUnit)}</text>`,
  );
  return svg(title, TOP + height + 52, marks);
}

function legend(named: readonly (readonly string[])[], y: number): string {
  let x = 16;
  return named
    .map(([name = "", colour = ""]) => {
      const item = `<rect x="${x}" y="${y - 9}" width="10" height="10" fill="${colour}"/><text x="${x + 14}" y="${y}">${escaped(name)}</text>`;
      x += 34 + name.length * 6.5;
      return item;
    })
    .join("\n");
}

const svg = (title: string, height: number, marks: readonly string[]) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" font-size="12" fill="#222">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="22" font-size="15" font-weight="bold">${escaped(title)}</text>
${marks.join("\n")}
</svg>
`;

/** 1, 2 or 5 times a power of ten. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return (([1, 2, 5] as const).find((factor) => factor * power >= least) ?? 10) * power;
}

const round = (value: number) => Math.round(value * 10) / 10;
const short = (value: number) => (value >= 10 ? value.toFixed(0) : String(round(value)));
const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
