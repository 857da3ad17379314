import { type ColdStart, image } from "../cold-start.ts";
import { ISSUER } from "../servers.ts";
import { ratios } from "../statistics.ts";
import type { Part } from "./part.ts";

/** Starts for each of the rounds: one takes a twentieth of a second. */
const STARTS = 4;

/** From the start of workerd, with nothing between it and the Worker, to the end of its first answer. */
export const firstAnswer: Part = {
  name: "first-answer",
  title: "first answer of a fresh process",
  async measure({ builds, jwtKeys }, { rounds, progress }) {
    const bare = await image(await builds.other("bare"), {});
    const service = await image(await builds.latchkey(), { ISSUER, JWT_KEYS: jwtKeys });
    const found: { bare: ColdStart; service: ColdStart }[] = [];
    try {
      for (let start = 0; start < rounds * STARTS; start++) {
        progress(`${this.title}: start ${start + 1} of ${rounds * STARTS}`);
        found.push({ bare: await bare.start("/"), service: await service.start("/health") });
      }
    } finally {
      await Promise.all([bare.remove(), service.remove()]);
    }
    const by = (what: keyof ColdStart) =>
      ratios(
        found.map((each) => each.service[what]),
        found.map((each) => each.bare[what]),
      );
    const verdict = { limit: 1.5, of: "a bare Worker's" };
    return {
      verdicts: [
        { ...verdict, title: `${this.title}, by the clock`, measured: by("wallMs") },
        { ...verdict, title: `${this.title}, CPU`, measured: by("cpuMs") },
      ],
    };
  },
};
