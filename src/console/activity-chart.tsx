import type { AuditDay } from "../core/events.ts";

const STEP = 10;
const BAR = 7;
const HEIGHT = 100;

const dateOf = ({ startMs }: AuditDay) => new Date(startMs).toISOString().slice(0, 10);

/** A bar a day, what was done below and what was refused on top; the same as a table behind it. */
export function ActivityChart({ days }: { readonly days: readonly AuditDay[] }) {
  const most = Math.max(1, ...days.map(({ done, refused }) => done + refused));
  const done = days.reduce((sum, day) => sum + day.done, 0);
  const refused = days.reduce((sum, day) => sum + day.refused, 0);
  const [first] = days;
  return (
    <figure class="chart">
      <p class="legend">
        <span class="swatch done" aria-hidden="true" /> {done} done
        <span class="swatch refused" aria-hidden="true" /> {refused} refused
        <span class="most">most in a day: {most}</span>
      </p>
      <svg
        viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Events a day: ${done} done and ${refused} refused in ${days.length} days`}
      >
        {days.map((day, index) => (
          <Bar day={day} x={index * STEP + (STEP - BAR) / 2} scale={HEIGHT / most} />
        ))}
      </svg>
      {first !== undefined && (
        <p class="ends" aria-hidden="true">
          <span>{dateOf(first)}</span>
          <span>today</span>
        </p>
      )}
      <details class="figures">
        <summary class="quiet small">As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">Done</th>
              <th scope="col">Refused</th>
            </tr>
          </thead>
          <tbody>
            {days
              .filter((day) => day.done + day.refused > 0)
              .map((day) => (
                <tr>
                  <th scope="row">{dateOf(day)}</th>
                  <td data-label="Done">{day.done}</td>
                  <td data-label="Refused">{day.refused}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

interface BarProps {
  readonly day: AuditDay;
  readonly x: number;
  readonly scale: number;
}

function Bar({ day, x, scale }: BarProps) {
  const done = day.done * scale;
  const refused = day.refused * scale;
  return (
    <g>
      <title>{`${dateOf(day)}: ${day.done} done, ${day.refused} refused`}</title>
      <rect class="none" x={x} y={HEIGHT - 1} width={BAR} height={1} />
      <rect class="done" x={x} y={HEIGHT - done} width={BAR} height={done} />
      <rect class="refused" x={x} y={HEIGHT - done - refused} width={BAR} height={refused} />
    </g>
  );
}
