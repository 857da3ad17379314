import * as v from "valibot";
import { FACEBOOK, GOOGLE, type Issuer } from "../core/issuers.ts";
import { domainOf, normalizeEmail } from "../core/user.ts";

/** Client ids with commas between. */
export const clientIds = v.pipe(
  v.string("must be text"),
  v.transform((text) => text.split(/[\s,]+/).filter(Boolean)),
);

/** Keys that came over plain HTTP would be anybody's; a test's own issuer is on loopback. */
const secureUrl = v.pipe(
  v.string(),
  v.check((text) => {
    const url = URL.parse(text);
    if (url === null || url.search !== "" || url.hash !== "" || url.username !== "") return false;
    const isLoopback = url.hostname === "localhost" || url.hostname === "127.0.0.1";
    return url.protocol === "https:" || (url.protocol === "http:" && isLoopback);
  }),
);

/** Names whose header is taken. */
const TAKEN: readonly string[] = [GOOGLE.name, FACEBOOK.name, "ha1b"];
const BUILT_IN: readonly string[] = [...GOOGLE.spellings, ...FACEBOOK.spellings];

/** As it compares: behind the @ of an email. */
const emailDomain = v.pipe(
  v.string(),
  v.regex(/^[^\s@]+$/),
  v.transform((text) => domainOf(normalizeEmail(`@${text}`))),
);

const OpenIdIssuer = v.strictObject({
  name: v.pipe(
    v.string(),
    v.regex(/^[a-z][a-z0-9]{0,23}$/),
    v.check((name) => !TAKEN.includes(name)),
  ),
  issuer: secureUrl,
  jwks: secureUrl,
  audience: v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.nonEmpty()),
  domains: v.optional(v.array(emailDomain)),
  client_id: v.optional(v.pipe(v.string(), v.nonEmpty())),
  client_secret: v.optional(v.pipe(v.string(), v.nonEmpty())),
});

const FORM =
  'must be a JSON list of {"name","issuer","jwks","audience":[…]} and if you like "domains":[…], "client_id" of the audience with "client_secret", each name and issuer once';

/** Other issuers: `apple` is shown as `X-Auth-Apple-Token` or `apple_token`. */
export const openIdIssuers = v.pipe(
  v.string("must be text"),
  v.rawTransform<string, readonly Issuer[]>(({ dataset, addIssue, NEVER }) => {
    const schema = v.pipe(v.string(), v.parseJson(), v.array(OpenIdIssuer));
    const { success, output } = v.safeParse(schema, dataset.value);
    // Two rows of one issuer would be two ways into the same accounts, for two audiences.
    const isGood = (rows: readonly v.InferOutput<typeof OpenIdIssuer>[]) =>
      areUnique(rows.map(({ name }) => name)) &&
      rows.every(({ client_id: id, client_secret, audience }) =>
        id === undefined ? client_secret === undefined : audience.includes(id),
      ) &&
      areUnique([...BUILT_IN, ...rows.map(({ issuer }) => issuer)]);
    if (!success || !isGood(output)) {
      addIssue({ message: FORM });
      return NEVER;
    }
    return output.map(
      ({ name, issuer, jwks, audience, domains, client_id: id, client_secret }) => ({
        name,
        header: `x-auth-${name}-token`,
        query: `${name}_token`,
        spellings: [issuer],
        jwks,
        audience,
        ...(domains !== undefined && { domains }),
        ...(id !== undefined && { client: { id, secret: client_secret ?? null } }),
      }),
    );
  }),
);

function areUnique(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}
