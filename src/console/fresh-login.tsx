import type { Proof } from "../core/fresh-login.ts";
import { Alert, CODE_INPUT, Field, PASSWORD_INPUT } from "./components.tsx";
import type { Page } from "./page.tsx";
import type { Problem } from "./problems.ts";
import { auth } from "./words.ts";

const words = auth.confirm;

/** The inputs by which a form that goes on is told from one that begins. */
export const PROOF_FIELDS: Readonly<Record<Proof, string>> = {
  password: "proof_password",
  code: "proof_code",
};

interface Props {
  /** Where the form was sent, and is sent again. */
  readonly action: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** With what the form can go on; null where its user has neither, or `values` is not all that was sent. */
  readonly proof: Proof | null;
  /** Whether the form comes back after a log-in otherwise. */
  readonly isKept: boolean;
  /** Where a log-in leads otherwise. */
  readonly back: string;
  readonly email: string;
  readonly problem: Problem | null;
}

/** Asks who it is before a form goes on, with all that was filled in; it is kept in this page alone. */
export function proofPage({ action, values, proof, isKept, back, email, problem }: Props): Page {
  const field = proof === null ? null : PROOF_FIELDS[proof];
  const isField = field !== null && problem?.field === field;
  return {
    title: words.title,
    status: problem?.status ?? 401,
    body: (
      <section class="card narrow">
        <h1>{words.title}</h1>
        {!isField && <Alert kind="problem" text={problem?.message} />}
        {field !== null ? (
          <>
            <p>{proof === "code" ? words.byCode : words.byPassword}</p>
            <form method="post" action={action}>
              {hiddenInputs(values)}
              <input type="hidden" name="username" autocomplete="username" value={email} />
              <Field
                {...(proof === "code" ? CODE_INPUT : PASSWORD_INPUT)}
                name={field}
                problem={isField ? problem?.message : undefined}
                autofocus
              />
              <p class="buttons">
                <button type="submit">{words.button}</button>
                <a class="button quiet" href="/console">
                  {words.cancel}
                </a>
              </p>
            </form>
          </>
        ) : (
          <>
            <p>{isKept ? words.byLogInKept : words.byLogIn}</p>
            <form method="post" action="/console/logout">
              <input type="hidden" name="next" value={back} />
              <button type="submit">{words.logInAgain}</button>
            </form>
          </>
        )}
      </section>
    ),
  };
}

const hiddenInputs = (values: Props["values"]) =>
  Object.entries(values).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((each) => typeof each === "string")
      .map((each) => <input type="hidden" name={name} value={each} autocomplete="off" />),
  );
