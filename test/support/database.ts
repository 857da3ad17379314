import { env } from "cloudflare:workers";
import { uuid } from "../../src/core/uuid.ts";
import { idsToBytes, rowToText } from "./ids.ts";

class Text {
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }
}

/** To bind for a column of text that has a UUID. */
export const asText = (value: string) => new Text(value);

class Statement implements D1PreparedStatement {
  readonly real: D1PreparedStatement;

  constructor(real: D1PreparedStatement) {
    this.real = real;
  }

  bind(...values: unknown[]): D1PreparedStatement {
    return new Statement(
      this.real.bind(...values.map((each) => (each instanceof Text ? each.value : uuid(each)))),
    );
  }

  async first(column?: string): Promise<never> {
    const found = await this.real.first();
    const row = found === null ? null : rowToText(found);
    return (column === undefined ? row : (row?.[column] ?? null)) as never;
  }

  async all(): Promise<never> {
    return toTexts(await this.real.all()) as never;
  }

  async run(): Promise<never> {
    return toTexts(await this.real.run()) as never;
  }

  async raw(): Promise<never> {
    throw new Error("raw() is not for ids as text");
  }
}

const toTexts = (result: D1Result) => ({ ...result, results: result.results.map(rowToText) });

/** The database, asked by tests with ids as text: every UUID becomes the bytes that the tables have, and back. */
export const DB = {
  prepare: (statement: string): D1PreparedStatement =>
    new Statement(env.DB.prepare(idsToBytes(statement))),

  async batch<T = Record<string, unknown>>(
    statements: readonly D1PreparedStatement[],
  ): Promise<D1Result<T>[]> {
    const real = statements.map((each) => (each instanceof Statement ? each.real : each));
    return (await env.DB.batch(real)).map(toTexts) as never;
  },
};
