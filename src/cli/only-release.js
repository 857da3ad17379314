// Before `npm publish`: the release workflow does that, with provenance, once every check has passed for the tag.
const { GITHUB_REF_NAME, npm_package_version: version } = process.env;
if (GITHUB_REF_NAME !== `v${version}`) {
  console.error(`Only the release workflow publishes: push the tag v${version}.`);
  process.exitCode = 1;
}
