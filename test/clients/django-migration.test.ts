import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { printed, runUsers } from "./move-in.ts";
import { type RunningServer, startServer } from "./server.ts";
import { present } from "./tools.ts";

const SECRET = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";

/** A site with simplejwt, whose users have integer ids: it prints its dump, and tokens of the first two. */
const OLD_SITE = (hashers: string) => `
import json, sys
from django.conf import settings
${hashers}
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}}
settings.configure(SECRET_KEY="${SECRET}", DATABASES=DATABASES, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], USE_TZ=True, PASSWORD_HASHERS=PASSWORD_HASHERS)
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.hashers import make_password
from rest_framework_simplejwt.tokens import RefreshToken
tokens = []
for name in ["ann", "ben", "cid"]:
    user = get_user_model().objects.create_user(name, name + "@example.com", "correct horse " + name, is_active=name != "cid")
    refresh = RefreshToken.for_user(user)
    tokens.append({"id": user.id, "refresh": str(refresh), "access": str(refresh.access_token)})
    if name == "ben":
        get_user_model().objects.filter(pk=user.pk).update(password=make_password("correct horse ben", hasher="argon2"))
        assert authenticate(username="ben", password="correct horse ben").password.startswith("pbkdf2_sha256$")
call_command("dumpdata", "auth.user", output=sys.argv[2])
print(json.dumps(tokens))
`;

/** The same table afterwards, behind the recipe: who each token belongs to, or the status. */
const NEW_API = (origin: string, recipes: string) => `
import json, sys, types
${recipes}
from django.conf import settings
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}}
SIMPLE_JWT["JWK_URL"] = "${origin}/.well-known/jwks.json"
SIMPLE_JWT["ISSUER"] = SIMPLE_JWT["AUDIENCE"] = "${origin}"
settings.configure(SECRET_KEY="another", DATABASES=DATABASES, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], USE_TZ=True, SIMPLE_JWT=SIMPLE_JWT)
import django
django.setup()
module = types.ModuleType("authentication")
exec(AUTHENTICATION, module.__dict__)
from django.http import HttpRequest
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
class WhoAmI(APIView):
    authentication_classes = [module.LatchkeyAuthentication]
    permission_classes = [IsAuthenticated]
    def get(self, request):
        return Response([request.user.pk, request.user.username])
def answer(token):
    request = HttpRequest()
    request.method = "GET"
    request.META.update({"HTTP_AUTHORIZATION": "Bearer " + token, "SERVER_NAME": "localhost", "SERVER_PORT": "80"})
    response = WhoAmI.as_view()(request)
    return response.data if response.status_code == 200 else response.status_code
print(json.dumps([answer(token) for token in sys.argv[2:]]))
`;

const Tokens = v.array(v.object({ id: v.number(), refresh: v.string(), access: v.string() }));
const Pair = v.object({ access: v.string(), refresh: v.optional(v.string()) });

describe.each(
  present(
    ["python3", "/usr/bin/python3"],
    "-c",
    "import django, rest_framework_simplejwt, cryptography, argon2",
  ),
)("a site with Django and simplejwt moves in (%s)", (python) => {
  let directory = "";
  let server: RunningServer;
  let old: v.InferOutput<typeof Tokens> = [];
  const inDirectory = (name: string) => join(directory, name);
  const run = (code: string, ...args: readonly string[]): unknown =>
    printed(python, ["-", inDirectory("old.sqlite3"), ...args], code);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "latchkey-django-"));
    const hashers = await readFile("test/clients/recipes/django_hashers.py", "utf8");
    old = v.parse(Tokens, run(OLD_SITE(hashers), inDirectory("dump.json")));
    server = await startServer({
      USER_ID_CLAIM: "external_id",
      LEGACY_JWT_KEYS: JSON.stringify({
        until: "2099-01-01",
        keys: [{ alg: "HS256", secret: SECRET }],
      }),
    });
    const dump = inDirectory("dump.json");
    const { code, said } = await runUsers(server, ["import", dump, "--from", "django"]);
    expect([code, said.at(-1)]).toEqual([0, "Imported 3 accounts, skipped 0."]);
  }, 90_000);
  afterAll(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });

  const post = (path: string, json: object) =>
    fetch(server.origin + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(json),
    });
  const opens = async (token = "") =>
    (await fetch(`${server.origin}/rest/user`, { headers: { authorization: `Bearer ${token}` } }))
      .status;

  it("passwords, old access tokens and refresh tokens go on; those of an inactive user do not", async () => {
    const [ann, ben, cid] = old;
    for (const name of ["ann", "ben"]) {
      const login = await post("/api/token/", {
        email: `${name}@example.com`,
        password: `correct horse ${name}`,
      });
      expect(login.status).toBe(200);
    }
    expect([await opens(ann?.access), await opens(ben?.access), await opens(cid?.access)]).toEqual([
      200, 200, 401,
    ]);
    const refreshed = await post("/api/token/refresh/", { refresh: ann?.refresh });
    const { access, refresh } = v.parse(Pair, await refreshed.json());
    expect(decodeJwt(access)).toMatchObject({ iss: server.origin, user_id: ann?.id });
    expect((await post("/api/token/refresh/", { refresh })).status).toBe(200);
    expect((await post("/api/token/refresh/", { refresh: cid?.refresh })).status).toBe(401);
  }, 60_000);

  it("the old API finds its rows by their integer ids, gives new users one, and answers 401 to anything else", async () => {
    const [ann] = old;
    const refreshed = v.parse(
      Pair,
      await (await post("/api/token/refresh/", { refresh: ann?.refresh })).json(),
    );
    const account = { email: "dot@example.com", password: "correct horse dot" };
    const uuid = v.parse(
      v.object({ payload: v.object({ uuid: v.string() }) }),
      await (await post("/rest/user", account)).json(),
    ).payload.uuid;
    const dot = v.parse(Pair, await (await post("/api/token/", account)).json());
    const recipe = await readFile("test/clients/recipes/django_users.py", "utf8");
    const settings = await readFile("test/clients/recipes/django.py", "utf8");
    await writeFile(inDirectory("recipe.py"), recipe);
    const code = NEW_API(
      server.origin,
      `${settings}\nAUTHENTICATION = open("${inDirectory("recipe.py")}").read()`,
    );
    const forged = `${dot.access.slice(0, -8)}AAAAAAAA`;
    const answers = run(
      code,
      refreshed.access,
      dot.access,
      dot.access,
      forged,
      "nonsense",
      ann?.access ?? "",
      "a.b.c",
      "eyJhbGciOiJub25lIn0.e30.",
    );
    expect(answers).toEqual([[ann?.id, "ann"], [4, uuid], [4, uuid], 401, 401, 401, 401, 401]);
  }, 60_000);
});
