import { date, keep, someText, uuid } from "./checks.ts";
import { basic, bearer, type Person, type Shape, type Step } from "./step.ts";

/** A refusal as the `/rest` surface shapes it. */
export const restError = (status: number, message: Shape) => ({
  status,
  body: { success: false, message, status },
});

/** 401 names the schemes that would do. Basic is not offered to `fetch`, so only Bearer is certain. */
export const restUnauthorized = (message: string) => ({
  ...restError(401, message),
  headers: { "www-authenticate": /\bBearer realm=/ },
});

/** The user object, with what this user has told about herself. */
export const userShape = (person: Person, told: Readonly<Record<string, Shape>> = {}) => ({
  created_on: date,
  modified_on: date,
  uuid,
  email: person.email,
  phone_number: null,
  first_name: person.name,
  last_name: null,
  dob: null,
  gmail_user_id: null,
  facebook_user_id: null,
  apple_user_id: null,
  wechat_user_id: null,
  role: "User",
  gender: null,
  deleted_on: null,
  email_verified: false,
  pending_email: null,
  metadata: {},
  ...told,
});

const signUp = (person: Person) => ({
  method: "POST",
  path: "/rest/user",
  json: { email: person.typedEmail, password: person.password, first_name: person.name },
});

export const accountSteps: readonly Step[] = [
  {
    title: "Ann signs up, and her e-mail comes back as it compares",
    ask: ({ ann }) => signUp(ann),
    answer: ({ ann }) => ({
      status: 201,
      body: { success: true, payload: userShape(ann, { uuid: keep("ann", uuid) }) },
    }),
  },
  {
    title: "Ben signs up",
    ask: ({ ben }) => signUp(ben),
    answer: ({ ben }) => ({
      status: 201,
      body: { success: true, payload: userShape(ben, { uuid: keep("ben", uuid) }) },
    }),
  },
  {
    title: "the same e-mail, written otherwise, cannot sign up twice",
    ask: ({ ann }) => signUp({ ...ann, typedEmail: ` ${ann.email.toUpperCase()}` }),
    answer: () => restError(409, "User already exists"),
  },
  {
    title: "a password that everybody uses is refused",
    ask: ({ ann }) => ({
      method: "POST",
      path: "/rest/user",
      json: { email: `other.${ann.email}`, password: "Password123" },
    }),
    answer: () => restError(400, someText),
  },
  {
    title: "Ann reads her account with e-mail and password",
    ask: ({ ann }) => ({
      method: "GET",
      path: "/rest/user",
      headers: basic(ann, ann.password),
    }),
    answer: ({ ann, kept }) => ({
      status: 200,
      body: { success: true, payload: userShape(ann, { uuid: kept.text("ann") }) },
    }),
  },
  {
    title: "a wrong password is refused",
    ask: ({ ann }) => ({
      method: "GET",
      path: "/rest/user",
      headers: basic(ann, ann.newPassword),
    }),
    answer: () => restUnauthorized("Wrong credentials"),
  },
  {
    title: "an e-mail that nobody has gets the same answer",
    ask: ({ ann }) => ({
      method: "GET",
      path: "/rest/user",
      headers: basic({ ...ann, email: `nobody.${ann.email}` }, ann.password),
    }),
    answer: () => restUnauthorized("Wrong credentials"),
  },
  {
    title: "nothing sent is another answer",
    ask: () => ({ method: "GET", path: "/rest/user" }),
    answer: () => restUnauthorized("Authentication required"),
  },
  {
    title: "a token that is none is refused",
    ask: () => ({ method: "GET", path: "/rest/user", headers: bearer("lk_api_none") }),
    answer: () => restUnauthorized("Invalid token"),
  },
  {
    title: "Ann tells more about herself",
    ask: ({ ann }) => ({
      method: "PATCH",
      path: "/rest/user",
      headers: basic(ann, ann.password),
      json: { last_name: "Archer", dob: "1990-02-28", phone_number: "+15551234567" },
    }),
    answer: ({ ann }) => ({
      status: 200,
      body: { success: true, payload: userShape(ann, annTold) },
    }),
  },
  {
    title: "a new e-mail needs the current password",
    ask: ({ ann }) => ({
      method: "PATCH",
      path: "/rest/user",
      headers: basic(ann, ann.password),
      json: { email: `new.${ann.email}` },
    }),
    answer: () => restError(400, someText),
  },
];

/** What Ann's account holds after `accountSteps`. */
export const annTold = { last_name: "Archer", dob: "1990-02-28", phone_number: "+15551234567" };
