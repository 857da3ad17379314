import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { printed, runUsers } from "./move-in.ts";
import { type RunningServer, startServer } from "./server.ts";
import { present } from "./tools.ts";

const AUTOLOAD = ["Database", "Hashing"].map(
  (each) => `/usr/share/php/Illuminate/${each}/autoload.php`,
);

/**
 * A site's users by Eloquent and both of Laravel's hashers, printed as the guide says, and the tokens of Sanctum, which
 * Debian lacks: its table and digest are those of its documentation.
 */
const OLD_SITE = `<?php
${AUTOLOAD.map((file) => `require '${file}';`).join("\n")}
use Illuminate\\Database\\Capsule\\Manager;
use Illuminate\\Support\\Carbon;
$db = new Manager;
$db->addConnection(['driver' => 'sqlite', 'database' => ':memory:']);
$db->setAsGlobal();
$db->bootEloquent();
Manager::schema()->create('users', function ($table) {
    $table->id();
    $table->string('name');
    $table->string('email')->unique();
    $table->timestamp('email_verified_at')->nullable();
    $table->string('password');
    $table->rememberToken();
    $table->timestamps();
});
class User extends Illuminate\\Database\\Eloquent\\Model {
    protected $guarded = [];
    protected $hidden = ['password', 'remember_token'];
    protected $casts = ['email_verified_at' => 'datetime'];
}
$hashers = [new Illuminate\\Hashing\\BcryptHasher, new Illuminate\\Hashing\\Argon2IdHasher];
foreach (['ann', 'ben'] as $i => $name) {
    User::create(['name' => ucfirst($name), 'email' => "$name@example.com", 'email_verified_at' => $i ? null : Carbon::now(),
        'password' => $hashers[$i]->make("correct horse $name")]);
}
$plain = Illuminate\\Support\\Str::random(40);
$token = ['id' => 7, 'tokenable_type' => 'User', 'tokenable_id' => 1, 'name' => 'phone', 'abilities' => ['account:read', 'orders:read'],
    'token' => hash('sha256', $plain), 'last_used_at' => null, 'created_at' => Carbon::now(), 'expires_at' => null];
echo json_encode(['users' => User::all()->makeVisible('password')->toJson(), 'tokens' => json_encode([$token]), 'plain' => "7|$plain"]);
`;

const Old = v.object({ users: v.string(), tokens: v.string(), plain: v.string() });

const needed = AUTOLOAD.map((file) => `require '${file}';`).join(" ");

describe.each(present(["php"], "-r", needed))("a site with Laravel moves in (%s)", (php) => {
  let directory = "";
  let server: RunningServer;
  let plain = "";

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "latchkey-laravel-"));
    const old = v.parse(Old, printed(php, [], OLD_SITE));
    plain = old.plain;
    const [users, tokens] = [join(directory, "users.json"), join(directory, "tokens.json")];
    await writeFile(users, old.users);
    await writeFile(tokens, old.tokens);
    server = await startServer({ LEGACY_TOKENS: "sanctum" });
    const imported = await runUsers(server, ["import", users, "--from", "laravel"]);
    expect([imported.code, imported.said.at(-1)]).toEqual([0, "Imported 2 accounts, skipped 0."]);
    const until = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
    const more = ["import-tokens", tokens, "--from", "sanctum", "--until", until];
    expect((await runUsers(server, more)).said).toContain("Imported 1 token.");
  }, 90_000);
  afterAll(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });

  const ask = async (
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<[number, unknown]> => {
    const answer = await fetch(server.origin + path, { headers });
    return [answer.status, await answer.json()];
  };
  const basic = (email: string, password: string) => ({
    authorization: `Basic ${btoa(`${email}:${password}`)}`,
  });

  it("passwords of both hashers open the accounts, with their old ids and what is proven", async () => {
    for (const [at, name] of ["ann", "ben"].entries()) {
      const email = `${name}@example.com`;
      const [status, answer] = await ask("/rest/user", basic(email, `correct horse ${name}`));
      expect([status, answer]).toMatchObject([
        200,
        {
          payload: {
            email,
            first_name: name === "ann" ? "Ann" : "Ben",
            external_id: at + 1,
            email_verified: at === 0,
          },
        },
      ]);
      expect((await ask("/rest/user", basic(email, "wrong horse")))[0]).toBe(401);
    }
  }, 60_000);

  it("a token of Sanctum goes on, with the abilities that are scopes here", async () => {
    expect((await ask("/rest/user", { authorization: `Bearer ${plain}` }))[0]).toBe(200);
    expect((await ask("/rest/token/list", { authorization: `Bearer ${plain}` }))[0]).toBe(403);
    expect((await ask("/rest/user", { authorization: `Bearer ${plain}x` }))[0]).toBe(401);
  }, 60_000);
});
