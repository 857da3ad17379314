import { raw } from "hono/html";
import { renderSVG } from "uqr";

/** Modules of white around it: scanners need four (ISO/IEC 18004 section 6.3.8). */
const QUIET_ZONE = 4;

/** Black on white in the dark as well: many scanners take no other. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const svg = renderSVG(text, { ecc: "M", border: QUIET_ZONE, pixelSize: 1 });
  return (
    <div class="qr" role="img" aria-label={label}>
      {raw(svg)}
    </div>
  );
}
