import { HonoRequest } from "hono/request";
import { describe, expect, it } from "vitest";
import { readFields, readForm, readJson } from "../../src/http/body.ts";
import { RequestFaultError } from "../../src/http/request-fault.ts";

const LIMIT = 64 * 1024;

const post = (body: BodyInit | null, type = "application/json") =>
  new HonoRequest(
    new Request("https://latchkey.test/", {
      method: "POST",
      body,
      headers: type === "" ? {} : { "content-type": type },
    }),
  );

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    return `took ${JSON.stringify(await work)}`;
  } catch (error) {
    if (error instanceof RequestFaultError) return error.fault.code;
    throw error;
  }
}

describe("the limit", () => {
  it("is on the bytes that arrive, and stops the reading there", async () => {
    let sent = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 4_096;
        controller.enqueue(new Uint8Array(4_096).fill(0x20));
      },
      cancel() {
        cancelled = true;
      },
    });
    expect(await codeOf(readJson(post(endless)))).toBe("body_too_large");
    expect(sent).toBeLessThanOrEqual(LIMIT + 3 * 4_096);
    expect(cancelled).toBe(true);
  });

  it.each([
    ["too long a Content-Length", "1000000", "took 1"],
    ["a Content-Length that is none", "x", "took 1"],
    ["a negative Content-Length", "-1", "took 1"],
  ])("asks nothing of %s", async (_, length, outcome) => {
    const request = new Request("https://latchkey.test/", {
      method: "POST",
      body: "1",
      headers: { "content-length": length },
    });
    expect(await codeOf(readJson(new HonoRequest(request)))).toBe(outcome);
  });

  it("counts bytes, not characters", async () => {
    const text = (length: number) => JSON.stringify("é".repeat((length - 2) / 2));
    expect(await codeOf(readJson(post(text(LIMIT))))).toMatch(/^took/);
    expect(await codeOf(readJson(post(text(LIMIT + 2))))).toBe("body_too_large");
  });

  it("puts the pieces together in order, wherever they are cut", async () => {
    const bytes = new TextEncoder().encode('{"a":"žluťoučký 🔑"}');
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect(await readJson(post(pieces))).toEqual({ a: "žluťoučký 🔑" });
  });
});

const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";
const PARTS = "multipart/form-data; boundary=x";
const list = (length: number, item: (index: number) => string, between: string) =>
  Array.from({ length }, (_, index) => item(index)).join(between);
const members = (length: number) => `{${list(length, (index) => `"f${index}":"1"`, ",")}}`;
const pairs = (length: number) => list(length, (index) => `f${index}=1`, "&");
const parts = (length: number) =>
  `${list(length, (index) => `--x\r\ncontent-disposition: form-data; name="f${index}"\r\n\r\n1\r\n`, "")}--x--\r\n`;

describe("what is in it", () => {
  it.each([
    ["JSON", JSON_TYPE, members],
    ["a form", FORM, pairs],
    ["a multipart form", PARTS, parts],
  ])("%s has at most 100 fields, for every reader", async (_, type, body) => {
    const readers = type === JSON_TYPE ? [readFields, readJson] : [readFields, readForm];
    for (const read of readers) {
      expect(await read(post(body(100), type))).toHaveProperty("f99", "1");
      expect(await codeOf(read(post(body(101), type)))).toBe("body_malformed");
    }
  });

  it("of JSON is at most 2,000 commas, colons and brackets outside of texts", async () => {
    const tokens = (length: number) => `{"tokens":[${list(length, () => "1", ",")}]}`;
    expect(await readJson(post(tokens(1_998)))).toHaveProperty("tokens.length", 1_998);
    const text = `${"[,".repeat(5_000)}\\"`;
    expect(await readJson(post(JSON.stringify({ payload: text })))).toEqual({ payload: text });
    for (const body of [tokens(1_999), "[".repeat(2_001), '""'.repeat(2_001)]) {
      expect(await codeOf(readJson(post(body)))).toBe("body_malformed");
    }
  });

  it("of a name that came more than once is all of it for a page, and the last for a contract", async () => {
    const body = "a=1&b=2&a=3&__proto__=4";
    const form = await readForm(post(body, FORM));
    expect(Object.entries(form)).toEqual([
      ["a", ["1", "3"]],
      ["b", "2"],
      ["__proto__", "4"],
    ]);
    expect(await readFields(post(body, FORM))).toMatchObject({ a: "3", b: "2" });
  });
});

describe("readFields", () => {
  it.each([
    ["application/json", '{"a":"1"}'],
    ["application/json; charset=utf-8", '{"a":"1"}'],
    ["Application/JSON", '{"a":"1"}'],
    ["application/vnd.api+json", '{"a":"1"}'],
    ["application/x-www-form-urlencoded", "a=1"],
    ["application/x-www-form-urlencoded;charset=UTF-8", "a=0&a=1"],
    [
      "multipart/form-data; boundary=x",
      '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    ],
  ])("takes %s", async (type, body) => {
    expect(await readFields(post(body, type))).toEqual({ a: "1" });
  });

  it.each([
    ["text/plain", "media_type_unsupported"],
    ["application/jsonp", "media_type_unsupported"],
    ["text/json+x", "media_type_unsupported"],
    ["application/json, text/plain", "media_type_unsupported"],
    ["multipart/form-data", "body_malformed"],
  ])("refuses %s", async (type, code) => {
    expect(await codeOf(readFields(post('{"a":"1"}', type)))).toBe(code);
  });

  it("takes no body for no fields, whatever its type", async () => {
    for (const type of ["", "text/plain", "application/json", "multipart/form-data"]) {
      expect(await readFields(post(null, type))).toEqual({});
    }
  });

  it("keeps prototype names as plain fields", async () => {
    const type = "application/x-www-form-urlencoded";
    const fields = await readFields(post("__proto__=1&constructor=2", type));
    expect(Object.entries(Object(fields))).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
    expect(Object.getPrototypeOf(fields)).toBe(Object.prototype);
  });
});
