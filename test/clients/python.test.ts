import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expired, newPerson } from "./people.ts";
import { type RunningServer, startServer } from "./server.ts";
import { present } from "./tools.ts";

const recipe = (name: string) => readFileSync(`test/clients/recipes/${name}.py`, "utf8");

/** What both libraries take for the time: standing still, however long Python takes to start. */
const SKEWED = `
import datetime as real, json, sys
class Off(real.datetime):
    @classmethod
    def now(cls, tz=None):
        return real.datetime.fromtimestamp(float(sys.argv[1]), tz)
import jwt.api_jwt
jwt.api_jwt.datetime = Off
`;

/** Each token of the rest of the arguments by the recipe: whose it is, or null where it is refused. */
const PYJWT = `${recipe("pyjwt")}
def verified(token):
    try:
        return claims_of(token)["sub"]
    except jwt.PyJWTError:
        return None
print(json.dumps([verified(token) for token in sys.argv[2:]]))
`;
const FASTAPI = `${recipe("pyjwt")}
sys.modules["pyjwt"] = sys.modules["__main__"]
${recipe("fastapi_app")}
from fastapi.testclient import TestClient
client = TestClient(app)
def verified(token):
    response = client.get("/me", headers={"Authorization": "Bearer " + token})
    return response.json()["user"] if response.status_code == 200 else None if response.status_code == 401 else response.text
print(json.dumps([verified(token) for token in sys.argv[2:]]))
`;
const DJANGO = `${recipe("django")}
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], SECRET_KEY="x",
    REST_FRAMEWORK=REST_FRAMEWORK, SIMPLE_JWT=SIMPLE_JWT)
import django
django.setup()
from django.http import HttpRequest
from rest_framework.response import Response
from rest_framework.views import APIView
class WhoAmI(APIView):
    def get(self, request):
        return Response(str(request.user.id))
def verified(token):
    request = HttpRequest()
    request.method = "GET"
    request.META.update({"HTTP_AUTHORIZATION": "Bearer " + token, "SERVER_NAME": "localhost", "SERVER_PORT": "80"})
    response = WhoAmI.as_view()(request)
    return response.data if response.status_code == 200 else None
print(json.dumps([verified(token) for token in sys.argv[2:]]))
`;

const PYTHONS = ["python3", "/usr/bin/python3"];
const RECIPES = [
  ...present(PYTHONS, "-c", "import jwt, cryptography").map(
    (python) => ["PyJWT", python, PYJWT] as const,
  ),
  ...present(PYTHONS, "-c", "import jwt, cryptography, fastapi.testclient").map(
    (python) => ["FastAPI", python, FASTAPI] as const,
  ),
  ...present(PYTHONS, "-c", "import rest_framework_simplejwt, cryptography").map(
    (python) => ["simplejwt", python, DJANGO] as const,
  ),
];

let server: RunningServer;
let zone: Server;
let origin = "";

/** The service behind a zone as Cloudflare sets one up: it takes urllib for a bot. */
beforeAll(async () => {
  zone = createServer(async (request, response) => {
    if (request.headers["user-agent"]?.startsWith("Python-urllib")) {
      response.writeHead(403).end("error code: 1010");
      return;
    }
    const answer = await fetch(server.origin + request.url, { method: request.method ?? "GET" });
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(await answer.text());
  });
  await new Promise<void>((resolve) => zone.listen(0, "127.0.0.1", resolve));
  const bound = zone.address();
  origin = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`;
  server = await startServer();
}, 60_000);
afterAll(async () => {
  zone.close();
  await server.close();
});

async function run(python: string, recipe: string, now: number, tokens: readonly string[]) {
  const code = (SKEWED + recipe)
    .replaceAll('ISSUER = "https://auth.example.com"', `ISSUER = "${server.origin}"`)
    // Only the keys are fetched, past the zone.
    .replaceAll('ISSUER + "/.well-known', `"${origin}" + "/.well-known`);
  const child = spawn(python, ["-", String(now), ...tokens]);
  child.stdin.end(code);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (out === "") throw new Error(err);
  return JSON.parse(out);
}

describe("the recipes in Python", () => {
  it("change urllib's name and allow for a clock", () => {
    for (const recipe of [PYJWT, DJANGO]) {
      expect(recipe).toContain('("User-Agent", "my-api")');
      expect(recipe).toMatch(/leeway=5|"LEEWAY": 5/);
    }
  });

  it.each(RECIPES)(
    "%s takes a fresh token, by a clock that is off, and refuses all others",
    { timeout: 60_000 },
    async (_, python, recipe) => {
      const ann = await newPerson(server);
      const old = await expired(server, ann.access);
      for (const skew of [-0.5, 0.5, -4]) {
        const { access, refresh } = await ann.pair();
        const { iat = 0 } = decodeJwt(access);
        const forged = `${access.slice(0, -10)}${access.at(-10) === "x" ? "y" : "x"}${access.slice(-9)}`;
        const tokens = [access, refresh, old, forged, "nonsense"];
        expect([skew, await run(python, recipe, iat + skew, tokens)]).toEqual([
          skew,
          [ann.id, null, null, null, null],
        ]);
      }
    },
  );
});
