import { HonoRequest } from "hono/request";
import { describe, expect, it } from "vitest";
import { readFields, readForm } from "../../src/http/body.ts";
import { RequestFaultError } from "../../src/http/request-fault.ts";

const encoder = new TextEncoder();

function post(contentType: string, body: string | Uint8Array<ArrayBuffer>): HonoRequest {
  const headers = contentType === "" ? {} : { "content-type": contentType };
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  return new HonoRequest(new Request("https://x.test/", { method: "POST", body: bytes, headers }));
}

const take = (contentType: string, body: string | Uint8Array<ArrayBuffer>) =>
  readFields(post(contentType, body));

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    return `took ${JSON.stringify(await work)}`;
  } catch (error) {
    if (error instanceof RequestFaultError) return error.fault.code;
    throw error;
  }
}

const lines = (...all: readonly string[]) => all.join("\r\n");

/** The bytes that clients send, each for email=ann@x.test and password="pä ss". */
const CLIENTS: Readonly<Record<string, readonly [contentType: string, body: string]>> = {
  "curl -F": [
    "multipart/form-data; boundary=------------------------d74496d66958873e",
    lines(
      "--------------------------d74496d66958873e",
      'Content-Disposition: form-data; name="email"',
      "",
      "ann@x.test",
      "--------------------------d74496d66958873e",
      'Content-Disposition: form-data; name="password"',
      "",
      "pä ss",
      "--------------------------d74496d66958873e--",
      "",
    ),
  ],
  ".NET's MultipartFormDataContent": [
    'multipart/form-data; boundary="5e4b2f0c-8a4e-4d46-9a3c-0c4c9a1f6f2e"',
    lines(
      "--5e4b2f0c-8a4e-4d46-9a3c-0c4c9a1f6f2e",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Disposition: form-data; name=email",
      "",
      "ann@x.test",
      "--5e4b2f0c-8a4e-4d46-9a3c-0c4c9a1f6f2e",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Disposition: form-data; name=password",
      "",
      "pä ss",
      "--5e4b2f0c-8a4e-4d46-9a3c-0c4c9a1f6f2e--",
      "",
    ),
  ],
  "Python's requests": [
    "multipart/form-data; boundary=0c9f3a7bd8f84d0e",
    lines(
      "--0c9f3a7bd8f84d0e",
      'Content-Disposition: form-data; name="email"',
      "",
      "ann@x.test",
      "--0c9f3a7bd8f84d0e",
      'Content-Disposition: form-data; name="password"',
      "",
      "pä ss",
      "--0c9f3a7bd8f84d0e--",
      "",
    ),
  ],
  "Go's multipart.Writer": [
    "multipart/form-data; boundary=c1f5e0d4b6",
    lines(
      "--c1f5e0d4b6",
      'Content-Disposition: form-data; name="email"',
      "",
      "ann@x.test",
      "--c1f5e0d4b6",
      'Content-Disposition: form-data; name="password"',
      "",
      "pä ss",
      "--c1f5e0d4b6--",
      "",
    ),
  ],
  "axios in Node (form-data)": [
    "multipart/form-data; boundary=--------------------------515890814546601021194782",
    lines(
      "----------------------------515890814546601021194782",
      'Content-Disposition: form-data; name="email"',
      "",
      "ann@x.test",
      "----------------------------515890814546601021194782",
      'Content-Disposition: form-data; name="password"',
      "",
      "pä ss",
      "----------------------------515890814546601021194782--",
      "",
    ),
  ],
  "undici's FormData, without a last line break": [
    "multipart/form-data; boundary=----formdata-undici-0123",
    lines(
      "------formdata-undici-0123",
      'Content-Disposition: form-data; name="email"',
      "",
      "ann@x.test",
      "------formdata-undici-0123",
      'Content-Disposition: form-data; name="password"',
      "",
      "pä ss",
      "------formdata-undici-0123--",
    ),
  ],
  "header names and values in any case, blanks wherever they may be": [
    'Multipart/Form-Data ; Charset=UTF-8 ; Boundary = "a b"',
    lines(
      "a preamble that nobody reads",
      "--a b  \t",
      'CONTENT-DISPOSITION:Form-Data ;NAME = "email" ',
      "",
      "ann@x.test",
      "--a b ",
      "content-transfer-encoding: 8bit",
      "content-disposition: FORM-DATA;",
      " name=password",
      "",
      "pä ss",
      "--a b-- ",
      "an epilogue",
    ),
  ],
  "quoted pairs and other parameters": [
    "multipart/form-data; boundary=x",
    lines(
      "--x",
      'Content-Disposition: form-data; x="; name=no"; name="e\\mail"',
      "",
      "ann@x.test",
      "--x",
      'Content-Disposition: form-data; name="password"; y=1',
      "Content-Transfer-Encoding: BASE64",
      "",
      "cMOkIHNz",
      "--x--",
      "",
    ),
  ],
  urlencoded: ["application/x-www-form-urlencoded", "email=ann%40x.test&password=p%C3%A4+ss"],
  "urlencoded as axios sends it": [
    "application/x-www-form-urlencoded;charset=utf-8",
    "email=ann%40x.test&password=p%C3%A4%20ss",
  ],
  "urlencoded in raw UTF-8": [
    "application/x-www-form-urlencoded; charset=UTF-8",
    "email=ann@x.test&password=pä ss",
  ],
  "urlencoded in Latin 1": [
    "application/x-www-form-urlencoded; charset=ISO-8859-1",
    "email=ann%40x.test&password=p%E4+ss",
  ],
  "urlencoded in a charset in quotes": [
    'application/x-www-form-urlencoded; charset="windows-1252"',
    "email=ann%40x.test&password=p%E4+ss",
  ],
  "urlencoded in a charset that nobody knows": [
    "application/x-www-form-urlencoded; charset=x-unknown",
    "email=ann%40x.test&password=p%C3%A4+ss",
  ],
  "urlencoded as what would be UTF-16": [
    "application/x-www-form-urlencoded; charset=utf-16",
    "email=ann%40x.test&password=p%C3%A4+ss",
  ],
  "urlencoded with empty pairs": [
    "application/x-www-form-urlencoded",
    "&&email=ann%40x.test&&password=p%C3%A4+ss&",
  ],
};

describe("a form", () => {
  it.each(Object.entries(CLIENTS))("of %s is read", async (_, [contentType, body]) => {
    const wanted = { email: "ann@x.test", password: "pä ss" };
    expect(await take(contentType, body)).toEqual(wanted);
    expect(await readForm(post(contentType, body))).toEqual(wanted);
  });

  it("of parts in a charset of their own is decoded by it", async () => {
    const [head, tail] = [
      lines(
        "--x",
        "Content-Type: text/plain; charset=iso-8859-1",
        "Content-Disposition: form-data; name=a",
        "",
        "",
      ),
      lines("", "--x--"),
    ];
    const body = Uint8Array.from([...encoder.encode(head), 0x70, 0xe4, ...encoder.encode(tail)]);
    expect(await take("multipart/form-data; boundary=x", body)).toEqual({ a: "pä" });
  });

  it("keeps every byte of a value, also what looks like a boundary", async () => {
    const value = "\r\n a\r\n--xy\r\n--x y\r\n-- x\r\n\r\n\ufeff--x";
    const body = lines("--x", 'Content-Disposition: form-data; name="a"', "", value, "--x--", "");
    expect(await take("multipart/form-data; boundary=x", body)).toEqual({ a: value });
  });

  it("of nothing but its end has no fields, and an empty value is empty", async () => {
    expect(await take("multipart/form-data; boundary=x", "--x--\r\n")).toEqual({});
    const body = lines("--x", "Content-Disposition: form-data; name=a", "", "", "--x--", "");
    expect(await take("multipart/form-data; boundary=x", body)).toEqual({ a: "" });
  });

  it("has no text in a file", async () => {
    for (const file of ['filename="a.txt"', "filename=a.txt", "filename*=utf-8''a.txt"]) {
      const head = `Content-Disposition: form-data; name="a"; ${file}`;
      const fields = await take(
        "multipart/form-data; boundary=x",
        lines("--x", head, "", "text", "--x--", ""),
      );
      expect(typeof Object(fields).a).toBe("symbol");
    }
  });

  it.each([
    ["no boundary", "multipart/form-data", "--x--\r\n"],
    ["an empty boundary", 'multipart/form-data; boundary=""', "----\r\n"],
    ["another boundary", "multipart/form-data; boundary=y", "--x--\r\n"],
    [
      "no end",
      "multipart/form-data; boundary=x",
      "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
    ],
    [
      "an end without its last dashes",
      "multipart/form-data; boundary=x",
      "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x\r\n",
    ],
    [
      "a part without a name",
      "multipart/form-data; boundary=x",
      "--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--",
    ],
    ["a part without a disposition", "multipart/form-data; boundary=x", "--x\r\n\r\n1\r\n--x--"],
    [
      "an attachment",
      "multipart/form-data; boundary=x",
      '--x\r\nContent-Disposition: attachment; name="a"\r\n\r\n1\r\n--x--',
    ],
    [
      "a part without an empty line",
      "multipart/form-data; boundary=x",
      "--x\r\nContent-Disposition: form-data; name=a\r\n--x--",
    ],
    [
      "no base64",
      "multipart/form-data; boundary=x",
      "--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--x--",
    ],
  ])("with %s is malformed", async (_, contentType, body) => {
    expect(await codeOf(take(contentType, body))).toBe("body_malformed");
  });

  it("is read in a time that grows with its length alone", async () => {
    const hostile = [
      "\r\n--x".repeat(13_000),
      "\r\n--x ".repeat(10_000),
      "--x\r\n".repeat(12_000),
      `--x\r\nContent-Disposition: form-data${'; a="'.repeat(13_000)}`,
      `--x\r\nContent-Disposition: form-data;${" ".repeat(64_000)}`,
      `--x\r\n${"\r\n ".repeat(21_000)}`,
    ];
    for (const body of hostile) {
      const startedMs = performance.now();
      expect(await codeOf(take("multipart/form-data; boundary=x", body))).toBe("body_malformed");
      expect(performance.now() - startedMs).toBeLessThan(2_000);
    }
  });
});

describe("a coded body", () => {
  const coded = (coding: string, body: string) => {
    const headers = { "content-type": "application/json", "content-encoding": coding };
    return readFields(
      new HonoRequest(new Request("https://x.test/", { method: "POST", body, headers })),
    );
  };
  it.each(["gzip", "br", "identity, gzip", "x"])("in %s is refused", async (coding) => {
    expect(await codeOf(coded(coding, "{}"))).toBe("encoding_unsupported");
    expect(await codeOf(coded(coding, ""))).toBe("took {}");
  });
  it.each(["identity", "Identity", "", " identity , identity"])(
    "in %j is plain",
    async (coding) => {
      expect(await codeOf(coded(coding, '{"a":1}'))).toBe('took {"a":1}');
    },
  );
});
