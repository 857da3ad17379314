import type { Route } from "../http/surface.ts";
import type { ConsoleDeps } from "./deps.ts";
import { type PageRoutes, seeOther } from "./page-routes.tsx";

const TILES = [
  [
    "/console/tokens",
    "API tokens",
    "Named tokens for your programs, each with what it may do and until when.",
  ],
  [
    "/console/actions",
    "Action tokens",
    "Let whoever scans a code do one thing, as often as you say.",
  ],
  ["/console/contacts", "Contacts", "The people you have met over a code."],
  ["/console/logins", "Logins", "Where you are logged in, and a way to end it."],
  ["/console/activity", "Activity", "What was done with your account, when and from where."],
  ["/console/inspector", "Inspector", "Paste a token and see what it is and whether it stands."],
  ["/console/account", "Account", "Profile, email, password, your data."],
] as const;

/** The start page; `/` redirects here. */
export function homePages(
  { openPage }: PageRoutes,
  { signUpIsOpen, ownsRoot }: ConsoleDeps,
): readonly Route[] {
  return [
    ...(ownsRoot ? [openPage("/", async () => seeOther("/console"))] : []),
    openPage("/console", async ({ caller }) => ({
      title: caller === null ? "Welcome" : "Overview",
      body: caller === null ? <Welcome signUpIsOpen={signUpIsOpen} /> : <Overview />,
    })),
  ];
}

function Welcome({ signUpIsOpen }: { readonly signUpIsOpen: boolean }) {
  return (
    <section class="hero">
      <h1>Accounts, sessions and tokens, at the edge.</h1>
      <p>
        Make API keys for programs, hand out codes that do one thing once, and see everywhere that
        you are logged in.
      </p>
      <p class="buttons">
        {signUpIsOpen && (
          <a class="button" href="/console/signup">
            Make an account
          </a>
        )}
        <a class="button quiet" href="/console/login">
          Log in
        </a>
        <a class="button quiet" href="/docs">
          API documents
        </a>
      </p>
    </section>
  );
}

function Overview() {
  return (
    <>
      <h1>Overview</h1>
      <ul class="tiles">
        {TILES.map(([href, name, text]) => (
          <li>
            <a href={href}>
              <strong>{name}</strong>
              <span>{text}</span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
