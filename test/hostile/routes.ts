import { env } from "cloudflare:workers";
import { surfaces } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import type { Route, Surface } from "../../src/http/surface.ts";
import { pages, platform } from "../../src/latchkey.ts";
import { servicesOver } from "../../src/services.ts";

const config = readConfig({ ...env });
const services = servicesOver(env, config, platform);
const ALL: readonly Surface[] = surfaces(services, config, pages(services, config));

/** Every surface for programs, as the Worker mounts them. */
export const SURFACES: readonly Surface[] = ALL.filter((surface) => !surface.isForPeople);

/** Every page, and every form: test/console has suites of its own over them. */
export const PAGES: readonly Route[] = ALL.filter((surface) => surface.isForPeople)
  .flatMap((surface) => surface.routes)
  // A redirect for password managers.
  .filter(({ path }) => path !== "/.well-known/change-password");

export interface RouteKey {
  readonly name: string;
  readonly surface: Surface;
  readonly route: Route;
}

/** Every route of them: a new one is in these suites without being named. */
export const ROUTE_KEYS: readonly RouteKey[] = SURFACES.flatMap((surface) =>
  surface.routes.map((route) => ({ name: `${route.method} ${route.path}`, surface, route })),
);

/** The route's path with its parameters filled in, each as it is to be in the URL. */
export function pathOf({ path }: Route, parameter = "00000000-0000-8000-8000-000000000000") {
  return path.replaceAll(/:\w+/g, () => parameter);
}

/** The surface in whose shape an unknown path is answered. */
export function ownerOf(path: string): Surface {
  const owner = ALL.find((surface) => surface.owns(path));
  if (owner === undefined) throw new Error(`nobody owns ${path}`);
  return owner;
}
