import { describe, expect, it } from "vitest";
import { newApiToken, newCaller, ORIGIN } from "../support/client.ts";
import { textOf } from "./html.ts";
import { signedUpUser, newBrowserUser } from "./browser-user.ts";

const PATH = "/console/inspector";

describe("the inspector", () => {
  it("says what a token of the user is, with its times and status", async () => {
    const ada = await signedUpUser();
    const session = ada.session() ?? "";
    const found = await ada.submit(await ada.get(PATH), PATH, { text: session });
    expect(textOf(found)).toMatch(
      /^Inspector Paste .* Session token Valid This token is valid\. Created .* Expires .* in 1 hour ID [0-9a-f-]{36}/,
    );
    // The pasted token is not on the page.
    expect(found.text).not.toContain(session);
    await ada.submit(found, "/console/logout");
    const eve = await signedUpUser();
    const theirs = await eve.submit(await eve.get(PATH), PATH, { text: session });
    expect(textOf(theirs)).toContain("Not one of your tokens");
  });

  it("shows a JWT's claims as text, whatever they contain", async () => {
    const ada = await signedUpUser();
    const { access } = await newCaller();
    const theirs = await ada.submit(await ada.get(PATH), PATH, { text: access });
    expect(textOf(theirs)).toContain("Access JWT Not checked");
    expect(textOf(theirs)).toContain(`iss ${ORIGIN}`);
    const part = (value: unknown) =>
      new TextEncoder()
        .encode(JSON.stringify(value))
        .toBase64({ alphabet: "base64url", omitPadding: true });
    const hostile = {
      iss: "<script>alert(1)</script>",
      "<img src=x>": { deep: ["<b>"] },
      exp: 1e308,
      iat: -5,
      nbf: 0.5,
    };
    const text = `${part({ alg: "none" })}.${part(hostile)}.`;
    const page = await ada.submit(await ada.get(PATH), PATH, { text });
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/<script>|<img|<b>/);
    expect(textOf(page)).toContain('{"deep":["<b>"]}');
    expect(textOf(page)).toContain("A JWT from another service.");
  });

  it.each([
    ["", "Paste a token."],
    ["x".repeat(16_385), "That's too long to be a token."],
  ])("%#: rejects what cannot be a token", async (text, says) => {
    const ada = await signedUpUser();
    const answer = await ada.submit(await ada.get(PATH), PATH, { text });
    expect([answer.status, textOf(answer).includes(says)]).toEqual([400, true]);
  });

  it("needs a login", async () => {
    const { access } = await newCaller();
    const { secret } = await newApiToken(access);
    const answer = await newBrowserUser().post(PATH, { text: secret });
    expect(answer.path).toBe("/console/login?next=%2Fconsole%2Finspector");
  });
});
