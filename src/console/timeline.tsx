import type { TokenDiagnosis } from "../core/token-diagnosis.ts";
import { Relative, Time } from "./components.tsx";

const WIDTH = 600;
const HEIGHT = 44;
const MARGIN = 12;
const MIDDLE = HEIGHT / 2;

interface Point {
  readonly name: string;
  readonly atMs: number;
  readonly kind: "issued" | "revoked" | "expires" | "now";
}

/** A token's times on a line, in order and at their distance; and the same as a list, for reading. */
export function Timeline({
  diagnosis,
  nowMs,
}: {
  readonly diagnosis: TokenDiagnosis;
  readonly nowMs: number;
}) {
  const { issuedAtMs, expiresAtMs, revokedAtMs, status } = diagnosis;
  const hasExpired = expiresAtMs !== null && expiresAtMs <= nowMs;
  const ended = status === "used_up" ? "Used up" : status === "replaced" ? "Replaced" : "Ended";
  const points: Point[] = [];
  if (issuedAtMs !== null) points.push({ name: "Issued", atMs: issuedAtMs, kind: "issued" });
  if (revokedAtMs !== null) points.push({ name: ended, atMs: revokedAtMs, kind: "revoked" });
  if (expiresAtMs !== null) {
    points.push({
      name: hasExpired ? "Expired" : "Expires",
      atMs: expiresAtMs,
      kind: "expires",
    });
  }
  if (points.length === 0) return null;
  points.push({ name: "Now", atMs: nowMs, kind: "now" });
  points.sort((a, b) => a.atMs - b.atMs);
  return (
    <div class="time-line">
      <Line points={points} issuedAtMs={issuedAtMs} endMs={revokedAtMs ?? expiresAtMs} />
      <ol>
        {points.map(({ name, atMs, kind }) => (
          <li class={kind}>
            <strong>{name}</strong> <Time ms={atMs} />
            {kind !== "now" && (
              <span class="hint">
                {" "}
                <Relative ms={atMs} nowMs={nowMs} />
              </span>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}

interface LineProps {
  readonly points: readonly Point[];
  readonly issuedAtMs: number | null;
  readonly endMs: number | null;
}

function Line({ points, issuedAtMs, endMs }: LineProps) {
  const first = points[0]?.atMs ?? 0;
  const length = Math.max(1, (points.at(-1)?.atMs ?? 0) - first);
  const x = (atMs: number) => MARGIN + ((atMs - first) / length) * (WIDTH - 2 * MARGIN);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <line class="all" x1={MARGIN} x2={WIDTH - MARGIN} y1={MIDDLE} y2={MIDDLE} />
      {issuedAtMs !== null && endMs !== null && endMs > issuedAtMs && (
        <line class="life" x1={x(issuedAtMs)} x2={x(endMs)} y1={MIDDLE} y2={MIDDLE} />
      )}
      {points.map(({ kind, atMs }) =>
        kind === "now" ? (
          <line class="now" x1={x(atMs)} x2={x(atMs)} y1={4} y2={HEIGHT - 4} />
        ) : (
          <circle class={kind} cx={x(atMs)} cy={MIDDLE} r={7} />
        ),
      )}
    </svg>
  );
}
