/** A JSON value, as it is sent and as it comes back. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** What is wrong with the value at `path`, one line each; empty where it is as documented. */
export type Check = (value: unknown, path: string, tour: Tour) => readonly string[];

/** What an answer must be: a value stands for itself, an object for exactly its members. */
export type Shape =
  | string
  | number
  | boolean
  | null
  | Check
  | readonly Shape[]
  | { readonly [key: string]: Shape };

export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: Json;
  readonly form?: Readonly<Record<string, string>>;
}

export interface Expectation {
  readonly status: number;
  /** undefined for an answer without a body */
  readonly body?: Shape;
  readonly headers?: Readonly<Record<string, string | RegExp>>;
}

/** One request, and what the answer to it must be. `answer` is asked after the answer has come. */
export interface Step {
  readonly title: string;
  ask(tour: Tour): Ask;
  answer(tour: Tour): Expectation;
}

export interface Chapter {
  readonly title: string;
  readonly steps: readonly Step[];
}

export interface Person {
  readonly name: string;
  /** As it is typed at sign-up, and as it compares. */
  readonly typedEmail: string;
  readonly email: string;
  readonly password: string;
  readonly newPassword: string;
}

/** What the steps share: two people, and what earlier answers gave. */
export interface Tour {
  readonly ann: Person;
  readonly ben: Person;
  readonly kept: Kept;
}

/** A step needs what an earlier one did not get. */
export class NotKeptError extends Error {
  override readonly name = "NotKeptError";
}

export class Kept {
  readonly #values = new Map<string, string | number>();

  set(name: string, value: string | number): void {
    this.#values.set(name, value);
  }

  /** @throws NotKeptError */
  text(name: string): string {
    return String(this.#get(name));
  }

  /** @throws NotKeptError */
  number(name: string): number {
    return Number(this.#get(name));
  }

  #get(name: string): string | number {
    const value = this.#values.get(name);
    if (value === undefined) throw new NotKeptError(name);
    return value;
  }
}

/** Two people whom no server has met. */
export function newTour(): Tour {
  return { ann: newPerson("Ann"), ben: newPerson("Ben"), kept: new Kept() };
}

function newPerson(name: string): Person {
  const typedEmail = `${name}.${randomHex(4)}@Tour.Example`;
  return {
    name,
    typedEmail,
    email: typedEmail.toLowerCase(),
    // A colon and a space at the end: passwords are taken exactly as they are sent.
    password: `${name}: ${randomHex(12)} `,
    newPassword: `${name}: ${randomHex(12)}`,
  };
}

function randomHex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}

export const basic = ({ email }: Person, password: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`${email}:${password}`).toString("base64")}`,
});

export const bearer = (token: string): Record<string, string> => ({
  Authorization: `Bearer ${token}`,
});
