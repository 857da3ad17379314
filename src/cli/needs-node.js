// Runs before a command, on whatever Node there is: plain JavaScript, that an old one reads too.
// A Node without `import.meta.main` (24.2) would run the commands and do nothing, without a word.
const NEEDED = [24, 2];

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(`This needs Node ${NEEDED.join(".")} or later, and is run by Node ${process.versions.node}.
\`npm ci\` brings a Node of its own into the project, by an install script of the package "node". That script
did not run: npm was called with --ignore-scripts, or has ignore-scripts=true in an .npmrc. Either
  npm rebuild node --ignore-scripts=false     runs that one script now, or
  put Node ${NEEDED[0]} first on the PATH`);
  process.exit(1);
}
