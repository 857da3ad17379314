import { describe, expect, it } from "vitest";
import { normalizeEmail } from "../../src/core/user.ts";
import { call, newUser, PASSWORD } from "../support/client.ts";

/** The one form in which emails compare. */

describe("the form of an email", () => {
  it("made of itself is itself, for every character and what combines with it", () => {
    const unstable: string[] = [];
    const marks = ["", "\u030C", "\u0301", "\u0307", "\u0345", "\u0323", "\u05BC", "\u1E9E"];
    for (let point = 1; point <= 0x1_ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const text = String.fromCodePoint(point);
      // What no fold changes by itself, none changes in company; a sample shows it.
      const isFolded = text.normalize("NFKC").trim().toLowerCase() !== text;
      if (!isFolded && point % 31 !== 0) continue;
      for (const mark of marks) {
        const once = normalizeEmail(`${text}${mark}@ex.test`);
        if (normalizeEmail(once) !== once) unstable.push(`U+${point.toString(16)} ${mark}`);
      }
      const domain = normalizeEmail(`a@b${text}c.test`);
      if (normalizeEmail(domain) !== domain) unstable.push(`U+${point.toString(16)} in a domain`);
    }
    expect(unstable).toEqual([]);
  });

  it.each([
    ["ann@exämple.com", "ann@xn--exmple-cua.com"],
    ["ann@EXÄMPLE.com", "ann@xn--exmple-cua.com"],
    ["ann@exa\u0308mple.com", "ann@xn--exmple-cua.com"],
    ["ann@XN--EXMPLE-CUA.com", "ann@xn--exmple-cua.com"],
    ["ann@ｅｘ.test", "ann@ex.test"],
    ["änn@ex.test", "änn@ex.test"],
    ["ann@faß.example", "ann@xn--fa-hia.example"],
    ["ann@ä/b.test", "ann@ä/b.test"],
    ["ann@ä:80", "ann@ä:80"],
    ["ann@ä%41.test", "ann@ä%41.test"],
    ["x@y@ä.test", "x@y@xn--4ca.test"],
    ["nobody", "nobody"],
  ])("of %s is %s", (sent, compared) => {
    expect(normalizeEmail(sent)).toBe(compared);
  });
});

it("the same mailbox is one account, whatever a browser and an app send of it", async () => {
  const local = crypto.randomUUID();
  const forms = [`${local}@exämple.com`, `${local}@xn--exmple-cua.com`, `${local}@EXÄMPLE.com`];
  const user = await newUser({ email: forms[0] });
  for (const email of forms) {
    const json = { email, password: PASSWORD };
    expect((await call("POST", "/rest/user", { json })).status).toBe(409);
    expect((await call("POST", "/api/token/", { json })).status).toBe(200);
    expect(
      (await call("GET", "/rest/user", { basic: { email, password: PASSWORD } })).json,
    ).toMatchObject({ payload: { uuid: user.id, email: forms[1] } });
  }
});

it("a user who typed a letter that folds twice logs in as they typed it", async () => {
  const email = `Ĳ\u030C${crypto.randomUUID()}@ex.test`;
  await newUser({ email });
  expect((await call("POST", "/api/token/", { json: { email, password: PASSWORD } })).status).toBe(
    200,
  );
});
