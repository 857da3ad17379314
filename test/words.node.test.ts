import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const SOURCES = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => [file, readFileSync(`src/${file}`, "utf8")] as const);

/** Names that were replaced by the field's own, and mean nothing in plain English. */
const RETIRED =
  `kvAnswers memoryMs unaskedMs checkPlan CheckPlan callerStands standsFor standingOfJwt USER_STANDS endApi endHeld
  endOthers noneEnded endedWith markEnded markAll alsoOwed Owed idsBehind holderOf Memories forgetUser forgetting Swept
  blankDeleted BLANK_PROFILE NAMES_NOBODY NOBODY NAMELESS NOWHERE SHOWN_NAME placeOf takeStatusIndex takenStatusIndex
  namedBy foresee foreseen claimBatch trySecret giveBack isOver rerollApi replaceApi stillHers renewedCaller
  NotTaken FOREIGN_BOUNDS tooDear isCostly Inspected VisitorDeps OwnVisit filledIn wholeProblem Onward ownPath
  keptOrigin KeptOrigin keptAddress hidesOrigin requestOrigin withRecord presentRecord noteRefused StoreCall
  Surroundings CannotStart Misunderstood wouldDo`.split(/\s+/);

/** Plain English, but no longer the names of things. */
const NOT_NAMES =
  "stands standing epoch endings marks owed memories sweep reroll visitor verdict door";

const found = (pattern: RegExp) =>
  SOURCES.flatMap(([file, text]) =>
    Array.from(text.matchAll(pattern), ([hit]) => `${file}: ${hit}`),
  );

describe("words in src", () => {
  it("no retired name comes back", () => {
    expect(found(new RegExp(String.raw`\b(?:${RETIRED.join("|")})\b`, "g"))).toEqual([]);
    const names = NOT_NAMES.replaceAll(" ", "|");
    const declared = String.raw`\b(?:const|let|function|type|interface|class) (?:${names})\b|\breadonly (?:${names})\??:`;
    expect(found(new RegExp(declared, "gi"))).toEqual([]);
  });

  it("what people read on pages stands with the texts of a language, so that a translation is one file", () => {
    const isOnPages = /^(?:console\/(?!words\/)|actions\/(?!api-document\.ts$))/;
    const code = SOURCES.filter(([file]) => isOnPages.test(file));
    const sentences = code.flatMap(([file, text]) =>
      [
        ...text
          .replaceAll(/^\s*(?:\/\*[\s\S]*?\*\/|\/\/.*$)/gm, "")
          .matchAll(/(?<=["'`>]\s*)[A-Z][a-z]+(?:['’][a-z]+)? [a-z][^"'`<]*(?=["'`<])/g),
      ].map(([sentence]) => `${file}: ${sentence}`),
    );
    expect(code.length).toBeGreaterThan(40);
    expect(sentences).toEqual([]);
  });

  it("no user is called she", () => {
    expect(found(/\b(?:she|hers?|herself)\b/gi)).toEqual([]);
  });
});
