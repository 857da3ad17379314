export default {
  input: "../../../src/console/assets/openapi.json",
  output: "dist/hey-api",
  logs: { level: "error", file: false },
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
};
